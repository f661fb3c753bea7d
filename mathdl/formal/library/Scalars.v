(* Signs of the declared scalar functions, and how choices between them are differentiated.  *)
From Coq Require Import Arith Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From Mathdl Require Import Sums Derivatives Primitives Functions.
Open Scope R_scope.
Local Transparent is_derive.
Create HintDb signs.

Lemma denominator_pos x : 0 < 1 + exp x.
Proof. pose proof (exp_pos x). lra. Qed.
Lemma denominator_nz x : 1 + exp x <> 0.
Proof. pose proof (exp_pos x). lra. Qed.
Lemma sigmoid_pos x : 0 < sigmoid x.
Proof. unfold sigmoid. apply Rinv_0_lt_compat, denominator_pos. Qed.
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

Lemma normal_pdf_pos x : 0 < normal_pdf x.
Proof.
  unfold normal_pdf. apply Rdiv_lt_0_compat; [|apply sqrt_lt_R0, PI_RGT_0].
  apply Rmult_lt_0_compat; [|apply exp_pos].
  apply Rmult_lt_0_compat; [lra | apply sqrt_lt_R0; lra].
Qed.
Lemma log_cosh_nonneg x : 0 <= log_cosh x.
Proof.
  unfold log_cosh. rewrite <- ln_1. apply ln_le; [lra|]. unfold cosh. pose proof (exp_pos x).
  rewrite exp_Ropp. assert (0 <= (exp x - 1) ^ 2 / exp x).
  { apply Rmult_le_pos; [apply pow2_ge_0 | left; now apply Rinv_0_lt_compat]. }
  replace ((exp x - 1) ^ 2 / exp x) with (exp x - 2 + / exp x) in * by (field; lra). lra.
Qed.
Lemma sigmoid_alt x : sigmoid x = exp x / (1 + exp x).
Proof.
  unfold sigmoid. rewrite exp_Ropp. pose proof (exp_pos x). field.
  repeat split; lra.
Qed.
Lemma sigmoid_opp x : sigmoid (- x) = 1 - sigmoid x.
Proof. rewrite sigmoid_alt. unfold sigmoid. pose proof (exp_pos (- x)). field. lra. Qed.

Lemma tanh_sigmoid x : tanh x = 2 * sigmoid (2 * x) - 1.
Proof.
  rewrite sigmoid_alt. unfold tanh, sinh, cosh. replace (2 * x) with (x + x) by ring.
  rewrite exp_plus, exp_Ropp. pose proof (exp_pos x). field. repeat split; nra.
Qed.

(* logarithms in terms of softplus *)
Lemma softplus_opp x : softplus (- x) = softplus x - x.
Proof.
  unfold softplus. pose proof (exp_pos x). rewrite exp_Ropp.
  replace (1 + / exp x) with ((1 + exp x) * / exp x) by (field; lra).
  rewrite ln_mult, ln_Rinv, ln_exp; try lra. now apply Rinv_0_lt_compat.
Qed.
Lemma log_sigmoid_softplus x : log_sigmoid x = x - softplus x.
Proof. change (log_sigmoid x) with (- softplus (- x)). rewrite softplus_opp. ring. Qed.
Lemma ln_sigmoid x : ln (sigmoid x) = x - softplus x.
Proof.
  rewrite sigmoid_alt. unfold softplus. pose proof (exp_pos x). unfold Rdiv.
  rewrite ln_mult, ln_Rinv, ln_exp; try lra. apply Rinv_0_lt_compat. lra.
Qed.
Lemma ln_1_minus_sigmoid x : ln (1 - sigmoid x) = - softplus x.
Proof. rewrite <- sigmoid_opp, ln_sigmoid, softplus_opp. ring. Qed.
Lemma ln_1_plus_tanh x : ln (1 + tanh x) = ln 2 + (2 * x - softplus (2 * x)).
Proof.
  rewrite tanh_sigmoid, <- ln_sigmoid. pose proof (sigmoid_pos (2 * x)).
  rewrite <- ln_mult by lra. f_equal. ring.
Qed.
Lemma ln_1_minus_tanh x : ln (1 - tanh x) = ln 2 - softplus (2 * x).
Proof.
  pose proof (sigmoid_pos (- (2 * x))) as P. replace (ln 2 - softplus (2 * x)) with (ln 2 + - softplus (2 * x)) by ring.
  rewrite <- ln_1_minus_sigmoid.
  rewrite tanh_sigmoid. rewrite sigmoid_opp in P. rewrite <- ln_mult by lra. f_equal. ring.
Qed.
Lemma ln_exp_plus_exp a b : ln (exp a + exp b) = a + softplus (b - a).
Proof.
  unfold softplus, Rminus. rewrite exp_plus, exp_Ropp. pose proof (exp_pos a). pose proof (exp_pos b).
  assert (0 < exp b * / exp a) by (apply Rmult_lt_0_compat; [|apply Rinv_0_lt_compat]; lra).
  rewrite <- (ln_exp a) at 2. rewrite <- ln_mult by lra. f_equal. field. lra.
Qed.
Lemma ln_scaled c x : 0 < c -> ln (c + c * exp x) = ln c + softplus x.
Proof. intros. unfold softplus. pose proof (exp_pos x). rewrite <- ln_mult by lra. f_equal. ring. Qed.

(* x/(1 + |x|) has a derivative at 0 too. *)
Lemma is_derive_softsign x : is_derive softsign x (/ (1 + Rabs x) ^ 2).
Proof.
  destruct (Req_EM_T x 0) as [->|N].
  - apply is_derive_Reals. intros e He. exists (mkposreal e He). simpl. intros h Hh B.
    unfold softsign. rewrite Rplus_0_l, Rabs_R0. pose proof (Rabs_pos h).
    match goal with |- Rabs ?e < _ =>
      replace e with (- (Rabs h / (1 + Rabs h))) by (field; split; lra) end.
    rewrite Rabs_Ropp, Rabs_right.
    + apply Rle_lt_trans with (Rabs h); [|assumption].
      apply Rmult_le_reg_r with (1 + Rabs h); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; nra.
    + apply Rle_ge, Rmult_le_pos; [assumption|]. left. apply Rinv_0_lt_compat. lra.
  - unfold softsign. pose proof (Rabs_pos x). eapply D_eq.
    + apply (D_div (fun x => x) (fun x => 1 + Rabs x)); [lra | apply D_id|].
      apply (D_plus (fun _ => 1) Rabs); [apply D_const|]. now apply (D_Rabs (fun x => x)), D_id.
    + cbv beta. destruct (Rlt_dec x 0).
      * rewrite Rabs_left by easy. real_eq. field. lra.
      * rewrite Rabs_right by lra. real_eq. field. lra.
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

Lemma stays_ne (a b : R -> R) (t da db : R) :
  a t <> b t -> is_derive a t da -> is_derive b t db ->
  locally t (fun s => is_ne (a s) (b s) = is_ne (a t) (b t)).
Proof.
  intros N Ha Hb. generalize (stays_lt a b t da db N Ha Hb) (stays_gt a b t da db N Ha Hb).
  intros L G. generalize (filter_and _ _ L G). apply filter_imp. intros s.
  unfold is_lt, is_gt, is_ne. destruct (Req_EM_T (a s) (b s)), (Req_EM_T (a t) (b t)); try easy;
    destruct (Rlt_dec (a s) (b s)), (Rlt_dec (a t) (b t)), (Rlt_dec (b s) (a s)),
      (Rlt_dec (b t) (a t)); lra.
Qed.
Lemma stays_eq (a b : R -> R) (t da db : R) :
  a t <> b t -> is_derive a t da -> is_derive b t db ->
  locally t (fun s => is_eq (a s) (b s) = is_eq (a t) (b t)).
Proof.
  intros N Ha Hb. generalize (stays_ne a b t da db N Ha Hb). apply filter_imp. intros s.
  unfold is_ne, is_eq. destruct (Req_EM_T (a s) (b s)), (Req_EM_T (a t) (b t)); lra.
Qed.

Global Hint Resolve denominator_pos cosh_pos sigmoid_pos softplus_pos normal_pdf_pos
  log_cosh_nonneg relu_nonneg is_gt_nonneg is_ge_nonneg is_lt_nonneg is_le_nonneg is_eq_nonneg
  is_ne_nonneg delta_nonneg : signs.
