(* Functions that others are made of: Coq's own, the error function, and choices.  *)
From Coq Require Import Arith Reals Lra Psatz Ratan.
From Coquelicot Require Import Coquelicot.
From Mathdl Require Import Sums Derivatives.
Open Scope R_scope.
Local Transparent is_derive.
Create HintDb scalars.

Lemma cosh_pos x : 0 < cosh x.
Proof. unfold cosh. pose proof (exp_pos x). pose proof (exp_pos (- x)). lra. Qed.
Lemma is_derive_sin x : is_derive sin x (cos x).
Proof. auto_derive; [exact I|]. ring. Qed.
Lemma is_derive_cos x : is_derive cos x (- sin x).
Proof. auto_derive; [exact I|]. ring. Qed.
Lemma is_derive_tan x : cos x <> 0 -> is_derive tan x (tan x ^ 2 + 1).
Proof.
  intros N. apply (is_derive_ext (fun x => sin x / cos x)); [reflexivity|].
  auto_derive; [assumption|]. unfold tan. field. assumption.
Qed.
Lemma is_derive_sinh x : is_derive sinh x (cosh x).
Proof. auto_derive; [exact I|]. ring. Qed.
Lemma is_derive_cosh x : is_derive cosh x (sinh x).
Proof. auto_derive; [exact I|]. ring. Qed.
Lemma is_derive_tanh x : is_derive tanh x (1 - tanh x ^ 2).
Proof.
  apply (is_derive_ext (fun x => sinh x / cosh x)); [reflexivity|]. pose proof (cosh_pos x).
  auto_derive; [lra|]. unfold tanh. field. lra.
Qed.
Lemma is_derive_asin x : 0 < 1 - x -> 0 < 1 + x -> is_derive asin x (/ sqrt (1 - x ^ 2)).
Proof.
  intros A B. assert (H : -1 < x < 1) by lra. apply is_derive_Reals.
  replace (/ sqrt (1 - x ^ 2)) with (derive_pt asin x (derivable_pt_asin x H)).
  - unfold derive_pt. destruct (derivable_pt_asin x H). assumption.
  - rewrite derive_pt_asin. unfold Rsqr. replace (x * x) with (x ^ 2) by ring.
    unfold Rdiv. ring.
Qed.
Lemma is_derive_acos x : 0 < 1 - x -> 0 < 1 + x -> is_derive acos x (- / sqrt (1 - x ^ 2)).
Proof.
  intros A B. assert (H : -1 < x < 1) by lra. apply is_derive_Reals.
  replace (- / sqrt (1 - x ^ 2)) with (derive_pt acos x (derivable_pt_acos x H)).
  - unfold derive_pt. destruct (derivable_pt_acos x H). assumption.
  - rewrite derive_pt_acos. unfold Rsqr. replace (x * x) with (x ^ 2) by ring.
    unfold Rdiv. ring.
Qed.
Lemma is_derive_atan x : is_derive atan x (/ (x ^ 2 + 1)).
Proof.
  eapply D_eq; [apply is_derive_atan|]. real_eq. unfold Rsqr. now replace (x ^ 2 + 1) with (1 + x * x) by ring.
Qed.

(* ---- the error function ---- *)
Definition bell (t : R) : R := exp (- t ^ 2).
Definition erf (x : R) : R := 2 / sqrt PI * RInt bell 0 x.
Definition erfc (x : R) : R := 1 - erf x.
Lemma is_derive_bell x : is_derive bell x (- 2 * x * exp (- x ^ 2)).
Proof.
  unfold bell. eapply D_eq.
  - apply (D_exp (fun x => - x ^ 2)), (D_opp (fun x => x ^ 2)), (D_pow (fun x => x) 1), D_id.
  - cbn. ring.
Qed.
Lemma is_derive_erf x : is_derive erf x (2 * exp (- x ^ 2) / sqrt PI).
Proof.
  assert (C : forall y, continuous bell y).
  { intros y. apply (ex_derive_continuous bell). eexists. apply is_derive_bell. }
  unfold erf. eapply D_eq; [apply (D_scal (2 / sqrt PI) (RInt bell 0) x (bell x))|].
  - apply (is_derive_RInt bell (RInt bell 0) 0 x); [|apply C].
    exists (mkposreal 1 Rlt_0_1). intros y _. apply (RInt_correct bell).
    apply (ex_RInt_continuous bell). intros z _. apply C.
  - unfold bell, Rdiv. ring.
Qed.
Lemma is_derive_erfc x : is_derive erfc x (- 2 * exp (- x ^ 2) / sqrt PI).
Proof.
  unfold erfc. eapply D_eq; [apply (D_minus (fun _ => 1) erf); [apply D_const | apply is_derive_erf]|].
  unfold Rdiv. ring.
Qed.

(* A choice by equality, where the sides differ. *)
Lemma D_differ (a b f g : R -> R) (t da db dg : R) :
  a t <> b t -> is_derive a t da -> is_derive b t db -> is_derive g t dg ->
  is_derive (fun s => if Req_EM_T (a s) (b s) then f s else g s) t dg.
Proof.
  intros N Ha Hb Hg. eapply is_derive_ext_loc; [|exact Hg].
  destruct (Rlt_dec (a t) (b t)) as [H|H].
  - generalize (locally_lt a b t da db Ha Hb H). apply filter_imp. intros s Hs.
    destruct (Req_EM_T (a s) (b s)); [lra|easy].
  - assert (G : b t < a t) by lra. generalize (locally_lt b a t db da Hb Ha G).
    apply filter_imp. intros s Hs. destruct (Req_EM_T (a s) (b s)); [lra|easy].
Qed.
Lemma D_same_const (a b : R) (f g : R -> R) (t df dg : R) :
  is_derive f t df -> is_derive g t dg ->
  is_derive (fun s => if Req_EM_T a b then f s else g s) t (if Req_EM_T a b then df else dg).
Proof. intros. destruct (Req_EM_T a b); assumption. Qed.

Global Hint Resolve is_derive_sin is_derive_cos is_derive_sinh is_derive_cosh is_derive_tanh
  is_derive_atan is_derive_erf is_derive_erfc : scalars.
