(* The scalar functions of mathdl, each with its derivative.

   Where a function has a kink, or is not defined everywhere, the lemma says where it holds.  *)
From Coq Require Import Arith Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From Mathdl Require Import Sums Derivatives.
Open Scope R_scope.
Local Transparent is_derive.
Create HintDb scalars.
Create HintDb signs.

(* ---- comparisons as numbers, and choices ---- *)
Definition is_gt (a b : R) : R := if Rlt_dec b a then 1 else 0.
Definition is_lt (a b : R) : R := if Rlt_dec a b then 1 else 0.
Definition is_ge (a b : R) : R := if Rlt_dec a b then 0 else 1.
Definition is_le (a b : R) : R := if Rlt_dec b a then 0 else 1.
Definition is_eq (a b : R) : R := if Req_EM_T a b then 1 else 0.
Definition is_ne (a b : R) : R := if Req_EM_T a b then 0 else 1.
Definition choose (c a b : R) : R := if Req_EM_T c 0 then b else a.
Definition sign (x : R) : R := if Rlt_dec 0 x then 1 else if Rlt_dec x 0 then -1 else 0.
Definition relu (x : R) : R := if Rlt_dec 0 x then x else 0.
Definition leaky_relu (x a : R) : R := if Rlt_dec 0 x then x else a * x.
Definition elu (x a : R) : R := if Rlt_dec 0 x then x else a * (exp x - 1).
Definition maximum (x y : R) : R := if Rlt_dec x y then y else x.
Definition minimum (x y : R) : R := if Rlt_dec y x then y else x.
Definition hardtanh (x : R) : R := if Rlt_dec x (-1) then -1 else if Rlt_dec 1 x then 1 else x.
Definition clip (x lo hi : R) : R := minimum (maximum x lo) hi.
Definition xlogy (x y : R) : R := x * ln y.

(* ---- sigmoids and logarithms ---- *)
Definition sigmoid (x : R) : R := 1 / (1 + exp (- x)).
Definition softplus (x : R) : R := ln (1 + exp x).
Definition log_sigmoid (x : R) : R := - ln (1 + exp (- x)).
Definition silu (x : R) : R := x / (1 + exp (- x)).
Definition softsign (x : R) : R := x / (1 + Rabs x).
Definition expm1 (x : R) : R := exp x - 1.
Definition log1p (x : R) : R := ln (1 + x).
Definition log1mexp (x : R) : R := ln (1 - exp x).
Definition log_cosh (x : R) : R := ln (cosh x).
Definition normal_pdf (x : R) : R := exp (- (x ^ 2) / 2) / sqrt (2 * PI).
Definition normal_cdf (x : R) : R := 1 / 2 + RInt normal_pdf 0 x.
Definition gelu (x : R) : R := x * normal_cdf x.

Lemma denominator_pos x : 0 < 1 + exp x.
Proof. pose proof (exp_pos x). lra. Qed.
Lemma denominator_nz x : 1 + exp x <> 0.
Proof. pose proof (exp_pos x). lra. Qed.
Lemma cosh_pos x : 0 < cosh x.
Proof. unfold cosh. pose proof (exp_pos x). pose proof (exp_pos (- x)). lra. Qed.
Lemma sigmoid_pos x : 0 < sigmoid x.
Proof. unfold sigmoid. apply Rdiv_lt_0_compat; [lra | apply denominator_pos]. Qed.
Lemma softplus_pos x : 0 < softplus x.
Proof. unfold softplus. rewrite <- ln_1. apply ln_increasing; [lra|]. pose proof (exp_pos x). lra. Qed.
Lemma relu_nonneg x : 0 <= relu x.
Proof. unfold relu. destruct (Rlt_dec 0 x); lra. Qed.
Lemma is_gt_nonneg a b : 0 <= is_gt a b.
Proof. unfold is_gt. destruct (Rlt_dec b a); lra. Qed.
Lemma is_ge_nonneg a b : 0 <= is_ge a b.
Proof. unfold is_ge. destruct (Rlt_dec a b); lra. Qed.
Lemma is_lt_nonneg a b : 0 <= is_lt a b.
Proof. unfold is_lt. destruct (Rlt_dec a b); lra. Qed.
Lemma is_le_nonneg a b : 0 <= is_le a b.
Proof. unfold is_le. destruct (Rlt_dec b a); lra. Qed.
Lemma is_eq_nonneg a b : 0 <= is_eq a b.
Proof. unfold is_eq. destruct (Req_EM_T a b); lra. Qed.
Lemma is_ne_nonneg a b : 0 <= is_ne a b.
Proof. unfold is_ne. destruct (Req_EM_T a b); lra. Qed.
Lemma delta_nonneg i j : 0 <= delta i j.
Proof. unfold delta. destruct (Nat.eqb i j); lra. Qed.
Lemma sqrt_2PI_pos : 0 < sqrt (2 * PI).
Proof. apply sqrt_lt_R0. pose proof PI_RGT_0. lra. Qed.
Lemma normal_pdf_pos x : 0 < normal_pdf x.
Proof. unfold normal_pdf. apply Rdiv_lt_0_compat; [apply exp_pos | apply sqrt_2PI_pos]. Qed.

Lemma is_derive_tanh x : is_derive tanh x (1 - tanh x ^ 2).
Proof.
  apply (is_derive_ext (fun x => sinh x / cosh x)); [reflexivity|]. pose proof (cosh_pos x).
  auto_derive; [lra|]. unfold tanh. field. lra.
Qed.
Lemma is_derive_sigmoid x : is_derive sigmoid x (sigmoid x * (1 - sigmoid x)).
Proof.
  unfold sigmoid. pose proof (denominator_nz (- x)). auto_derive; [assumption|]. field. assumption.
Qed.
Lemma sigmoid_alt x : sigmoid x = exp x / (1 + exp x).
Proof.
  unfold sigmoid. rewrite exp_Ropp. pose proof (exp_pos x). field.
  repeat split; lra.
Qed.
Lemma sigmoid_opp x : sigmoid (- x) = 1 - sigmoid x.
Proof. rewrite sigmoid_alt. unfold sigmoid. pose proof (exp_pos (- x)). field. lra. Qed.
Lemma ln_sigmoid x : ln (sigmoid x) = log_sigmoid x.
Proof.
  unfold sigmoid, log_sigmoid, Rdiv. rewrite Rmult_1_l. apply ln_Rinv, denominator_pos.
Qed.
Lemma ln_one_minus_sigmoid x : ln (1 - sigmoid x) = - softplus x.
Proof.
  rewrite <- sigmoid_opp, ln_sigmoid. unfold log_sigmoid, softplus. now rewrite Ropp_involutive.
Qed.
Lemma is_derive_softplus x : is_derive softplus x (sigmoid x).
Proof.
  rewrite sigmoid_alt. unfold softplus. pose proof (exp_pos x). auto_derive; [lra|]. field. lra.
Qed.
Lemma is_derive_log_sigmoid x : is_derive log_sigmoid x (sigmoid (- x)).
Proof.
  rewrite sigmoid_alt. unfold log_sigmoid. pose proof (exp_pos (- x)). auto_derive; [lra|]. field. lra.
Qed.
Lemma is_derive_silu x : is_derive silu x (sigmoid x * (1 + x * (1 - sigmoid x))).
Proof.
  unfold silu, sigmoid. pose proof (denominator_nz (- x)). auto_derive; [assumption|]. field. assumption.
Qed.
Lemma is_derive_expm1 x : is_derive expm1 x (exp x).
Proof. unfold expm1. auto_derive; [exact I|]. ring. Qed.
Lemma is_derive_log1p x : 0 < 1 + x -> is_derive log1p x (1 / (1 + x)).
Proof. intros. unfold log1p. auto_derive; [assumption|]. field. lra. Qed.
Lemma is_derive_log_cosh x : is_derive log_cosh x (tanh x).
Proof.
  unfold log_cosh. pose proof (cosh_pos x). auto_derive; [assumption|]. unfold tanh. field. lra.
Qed.
Lemma is_derive_normal_pdf x : is_derive normal_pdf x (- x * normal_pdf x).
Proof.
  unfold normal_pdf. pose proof sqrt_2PI_pos. auto_derive; [lra|].
  replace (x * (x * 1)) with (x ^ 2) by ring. unfold Rdiv. field. lra.
Qed.
Lemma is_derive_normal_cdf x : is_derive normal_cdf x (normal_pdf x).
Proof.
  unfold normal_cdf. eapply is_derive_ext with (f := fun x => plus (1 / 2) (RInt normal_pdf 0 x)).
  { reflexivity. }
  assert (C : forall y, continuous normal_pdf y).
  { intros y. apply (ex_derive_continuous normal_pdf). eexists. apply is_derive_normal_pdf. }
  eapply D_eq; [apply (is_derive_plus (fun _ => 1 / 2) (RInt normal_pdf 0) x 0 (normal_pdf x))|].
  - exact (is_derive_const (1 / 2) x).
  - apply (is_derive_RInt normal_pdf (RInt normal_pdf 0) 0 x); [|apply C].
    exists (mkposreal 1 Rlt_0_1). intros y _. apply (RInt_correct normal_pdf).
    apply (ex_RInt_continuous normal_pdf). intros z _. apply C.
  - unfold plus; simpl. ring.
Qed.
Lemma is_derive_gelu x : is_derive gelu x (normal_cdf x + x * normal_pdf x).
Proof.
  unfold gelu. eapply D_eq.
  - apply (D_mult (fun x => x) normal_cdf); [apply D_id | apply is_derive_normal_cdf].
  - ring.
Qed.
Lemma is_derive_sin x : is_derive sin x (cos x).
Proof. auto_derive; [exact I|]. ring. Qed.
Lemma is_derive_cos x : is_derive cos x (- sin x).
Proof. auto_derive; [exact I|]. ring. Qed.
Lemma is_derive_sinh x : is_derive sinh x (cosh x).
Proof. auto_derive; [exact I|]. ring. Qed.
Lemma is_derive_cosh x : is_derive cosh x (sinh x).
Proof. auto_derive; [exact I|]. ring. Qed.
Lemma is_derive_atan x : is_derive atan x (1 / (1 + x ^ 2)).
Proof. auto_derive; [exact I|]. field. pose proof (pow2_ge_0 x). nra. Qed.
Lemma is_derive_softsign x : x <> 0 -> is_derive softsign x (1 / (1 + Rabs x) ^ 2).
Proof.
  intros N. unfold softsign. pose proof (Rabs_pos x). eapply D_eq.
  - apply (D_div (fun x => x) (fun x => 1 + Rabs x)); [lra | apply D_id|].
    apply (D_plus (fun _ => 1) Rabs); [apply D_const|]. apply (D_Rabs (fun x => x)); [easy | apply D_id].
  - cbv beta. destruct (Rlt_dec x 0).
    + rewrite Rabs_left by easy. real_eq. field. lra.
    + rewrite Rabs_right by lra. real_eq. field. lra.
Qed.

(* ---- what stays as it is while a comparison does ---- *)
Lemma D_choose (c a b : R -> R) (t da db : R) :
  locally t (fun s => c s = c t) -> is_derive a t da -> is_derive b t db ->
  is_derive (fun s => choose (c s) (a s) (b s)) t (choose (c t) da db).
Proof.
  intros Hc Ha Hb. unfold choose. destruct (Req_EM_T (c t) 0) as [E|E].
  - eapply is_derive_ext_loc; [|exact Hb]. revert Hc. apply filter_imp. intros s ->.
    destruct (Req_EM_T (c t) 0); [easy|contradiction].
  - eapply is_derive_ext_loc; [|exact Ha]. revert Hc. apply filter_imp. intros s ->.
    destruct (Req_EM_T (c t) 0); [contradiction|easy].
Qed.
Lemma D_choose_const (c : R) (a b : R -> R) (t da db : R) :
  is_derive a t da -> is_derive b t db -> is_derive (fun s => choose c (a s) (b s)) t (choose c da db).
Proof. intros. unfold choose. destruct (Req_EM_T c 0); assumption. Qed.
Lemma stays_lt (a b : R -> R) (t da db : R) :
  a t <> b t -> is_derive a t da -> is_derive b t db ->
  locally t (fun s => is_lt (a s) (b s) = is_lt (a t) (b t)).
Proof.
  intros N Ha Hb. unfold is_lt. destruct (Rlt_dec (a t) (b t)).
  - generalize (locally_lt a b t da db Ha Hb r). apply filter_imp. intros s H.
    destruct (Rlt_dec (a s) (b s)); [easy|lra].
  - assert (G : b t < a t) by lra. generalize (locally_lt b a t db da Hb Ha G).
    apply filter_imp. intros s H. destruct (Rlt_dec (a s) (b s)); [lra|easy].
Qed.
Lemma stays_gt (a b : R -> R) (t da db : R) :
  a t <> b t -> is_derive a t da -> is_derive b t db ->
  locally t (fun s => is_gt (a s) (b s) = is_gt (a t) (b t)).
Proof. intros. apply (stays_lt b a t db da); auto. Qed.
Lemma stays_ge (a b : R -> R) (t da db : R) :
  a t <> b t -> is_derive a t da -> is_derive b t db ->
  locally t (fun s => is_ge (a s) (b s) = is_ge (a t) (b t)).
Proof.
  intros N Ha Hb. generalize (stays_lt a b t da db N Ha Hb). apply filter_imp. intros s.
  unfold is_lt, is_ge. destruct (Rlt_dec (a s) (b s)), (Rlt_dec (a t) (b t)); lra.
Qed.
Lemma stays_le (a b : R -> R) (t da db : R) :
  a t <> b t -> is_derive a t da -> is_derive b t db ->
  locally t (fun s => is_le (a s) (b s) = is_le (a t) (b t)).
Proof. intros. apply (stays_ge b a t db da); auto. Qed.

(* choices, opened where they are differentiated *)
Ltac open_choices := unfold relu, leaky_relu, elu, maximum, minimum, hardtanh, clip, is_gt, is_lt, is_ge, is_le, sign, xlogy in *.
Ltac open_scalars := unfold sigmoid, softplus, log_sigmoid, silu, softsign, expm1, log1p, log1mexp, log_cosh, gelu, xlogy, tanh in *.

Global Hint Resolve is_derive_tanh is_derive_sigmoid is_derive_softplus is_derive_log_sigmoid
  is_derive_silu is_derive_expm1 is_derive_log_cosh is_derive_normal_pdf is_derive_normal_cdf
  is_derive_gelu is_derive_sin is_derive_cos is_derive_sinh is_derive_cosh is_derive_atan : scalars.
Global Hint Resolve denominator_pos cosh_pos sigmoid_pos softplus_pos sqrt_2PI_pos normal_pdf_pos relu_nonneg is_gt_nonneg
  is_ge_nonneg is_lt_nonneg is_le_nonneg is_eq_nonneg is_ne_nonneg delta_nonneg : signs.
