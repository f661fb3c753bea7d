(* Derivatives along curves, and gradients as what all of them have in common.  *)
From Coq Require Import ZArith Reals Lra Psatz Lia Arith PeanoNat.
From Coquelicot Require Import Coquelicot.
From Mathdl Require Import Sums.
Open Scope R_scope.

(* Equations between derivatives are equations of real numbers. *)
Ltac real_eq := lazymatch goal with |- @eq _ ?x ?y => change (@eq R x y) end.

Lemma D_eq (f : R -> R) t (d d' : R) : is_derive f t d -> d = d' -> is_derive f t d'.
Proof. now intros ? ->. Qed.
Lemma D_const (c : R) t : is_derive (fun _ : R => c) t 0.
Proof. exact (is_derive_const c t). Qed.
Lemma D_id t : is_derive (fun t : R => t) t 1.
Proof. exact (is_derive_id t). Qed.
Lemma D_plus (f g : R -> R) (t df dg : R) :
  is_derive f t df -> is_derive g t dg -> is_derive (fun t => f t + g t) t (df + dg).
Proof. intros. now apply (is_derive_plus f g). Qed.
Lemma D_minus (f g : R -> R) (t df dg : R) :
  is_derive f t df -> is_derive g t dg -> is_derive (fun t => f t - g t) t (df - dg).
Proof. intros. now apply (is_derive_minus f g). Qed.
Lemma D_opp (f : R -> R) (t df : R) : is_derive f t df -> is_derive (fun t => - f t) t (- df).
Proof. intros. now apply (is_derive_opp f). Qed.
Lemma D_mult (f g : R -> R) (t df dg : R) :
  is_derive f t df -> is_derive g t dg -> is_derive (fun t => f t * g t) t (df * g t + f t * dg).
Proof. intros. apply (is_derive_mult f g); auto. intros; apply Rmult_comm. Qed.
Lemma D_scal (c : R) (f : R -> R) (t df : R) : is_derive f t df -> is_derive (fun t => c * f t) t (c * df).
Proof. intros. now apply is_derive_scal. Qed.
Lemma D_scalr (c : R) (f : R -> R) (t df : R) : is_derive f t df -> is_derive (fun t => f t * c) t (df * c).
Proof.
  intros H. eapply D_eq; [apply (is_derive_ext (fun t => c * f t)) | apply Rmult_comm].
  - intros; apply Rmult_comm.
  - now apply D_scal.
Qed.
Lemma D_comp (g f : R -> R) (t df dg : R) :
  is_derive f t df -> is_derive g (f t) dg -> is_derive (fun t => g (f t)) t (dg * df).
Proof.
  intros Hf Hg. eapply D_eq; [exact (is_derive_comp g f t dg df Hg Hf)|].
  unfold scal; simpl; unfold mult; simpl; ring.
Qed.
Lemma D_pow (f : R -> R) n (t df : R) :
  is_derive f t df -> is_derive (fun t => f t ^ S n) t (IZR (Z.of_nat (S n)) * f t ^ n * df).
Proof.
  intros. eapply D_eq; [apply (D_comp (fun x => x ^ S n) f); [eassumption|]|].
  - apply (is_derive_pow (fun x => x) (S n)). apply D_id.
  - change (pred (S n)) with n. rewrite <- INR_IZR_INZ. ring.
Qed.
Lemma D_exp (f : R -> R) (t df : R) : is_derive f t df -> is_derive (fun t => exp (f t)) t (exp (f t) * df).
Proof. intros. apply (D_comp exp f); [easy|]. apply UnaryDiff_exp. Qed.
Lemma D_ln (f : R -> R) (t df : R) :
  0 < f t -> is_derive f t df -> is_derive (fun t => ln (f t)) t (df / f t).
Proof.
  intros. eapply D_eq; [apply (D_comp ln f); [eassumption | now apply UnaryDiff_ln]|].
  simpl. unfold Rdiv; ring.
Qed.
Lemma D_sqrt (f : R -> R) (t df : R) :
  0 < f t -> is_derive f t df -> is_derive (fun t => sqrt (f t)) t (df / (2 * sqrt (f t))).
Proof.
  intros. eapply D_eq; [apply (D_comp sqrt f); [eassumption | now apply UnaryDiff_sqrt]|].
  simpl. unfold Rdiv; ring.
Qed.
Lemma D_div (f g : R -> R) (t df dg : R) :
  g t <> 0 -> is_derive f t df -> is_derive g t dg ->
  is_derive (fun t => f t / g t) t ((df * g t - f t * dg) / (g t) ^ 2).
Proof. intros. now apply (is_derive_div f g). Qed.
Lemma D_inv (g : R -> R) (t dg : R) :
  g t <> 0 -> is_derive g t dg -> is_derive (fun t => / g t) t (- dg / (g t) ^ 2).
Proof. intros. now apply (is_derive_inv g). Qed.
Lemma D_Rpower (a : R) (f : R -> R) (t df : R) :
  0 < f t -> is_derive f t df ->
  is_derive (fun t => Rpower (f t) a) t (a * Rpower (f t) a / f t * df).
Proof.
  intros P H. unfold Rpower. eapply D_eq.
  - apply (D_exp (fun t => a * ln (f t))), (D_scal a (fun t => ln (f t))), D_ln; eassumption.
  - cbv beta. unfold Rdiv. ring.
Qed.
Lemma D_Rpower_base (a : R) (f : R -> R) (t df : R) :
  is_derive f t df -> is_derive (fun t => Rpower a (f t)) t (Rpower a (f t) * ln a * df).
Proof.
  intros H. unfold Rpower. eapply D_eq.
  - apply (D_exp (fun t => f t * ln a)), (D_scalr (ln a) f); eassumption.
  - cbv beta. ring.
Qed.
Lemma D_Rpower_both (f g : R -> R) (t df dg : R) :
  0 < f t -> is_derive f t df -> is_derive g t dg ->
  is_derive (fun t => Rpower (f t) (g t)) t (Rpower (f t) (g t) * (dg * ln (f t) + g t * (df / f t))).
Proof.
  intros P Hf Hg. unfold Rpower. apply (D_exp (fun t => g t * ln (f t))).
  apply (D_mult g (fun t => ln (f t))); [assumption | now apply D_ln].
Qed.
Lemma D_choice_const (a b : R) (f g : R -> R) (t df dg : R) :
  is_derive f t df -> is_derive g t dg ->
  is_derive (fun s => if Rlt_dec a b then f s else g s) t (if Rlt_dec a b then df else dg).
Proof. intros. destruct (Rlt_dec a b); assumption. Qed.
Lemma D_sum n (f : nat -> R -> R) t (df : nat -> R) :
  (forall i, (i < n)%nat -> is_derive (f i) t (df i)) ->
  is_derive (fun t => sumf n (fun i => f i t)) t (sumf n df).
Proof.
  induction n; intros H; simpl; [apply D_const|].
  apply (D_plus (fun t => sumf n (fun i => f i t)) (f n)); auto.
Qed.

(* A function that agrees with another near the point has its derivative. *)
Lemma D_right (f g : R -> R) (c x l : R) :
  c < x -> (forall t, c < t -> g t = f t) -> is_derive g x l -> is_derive f x l.
Proof.
  intros Hc He H. eapply is_derive_ext_loc; [|exact H].
  assert (Hd : 0 < x - c) by lra. exists (mkposreal _ Hd). intros t Ht. apply He.
  unfold ball in Ht; simpl in Ht; unfold AbsRing_ball, abs, minus, plus, opp in Ht; simpl in Ht.
  apply Rabs_def2 in Ht. lra.
Qed.
Lemma D_left (f g : R -> R) (c x l : R) :
  x < c -> (forall t, t < c -> g t = f t) -> is_derive g x l -> is_derive f x l.
Proof.
  intros Hc He H. eapply is_derive_ext_loc; [|exact H].
  assert (Hd : 0 < c - x) by lra. exists (mkposreal _ Hd). intros t Ht. apply He.
  unfold ball in Ht; simpl in Ht; unfold AbsRing_ball, abs, minus, plus, opp in Ht; simpl in Ht.
  apply Rabs_def2 in Ht. lra.
Qed.
Lemma locally_lt (a b : R -> R) (t da db : R) :
  is_derive a t da -> is_derive b t db -> a t < b t -> locally t (fun s => a s < b s).
Proof.
  intros Ha Hb H.
  assert (C : continuous (fun s => b s - a s) t).
  { apply (ex_derive_continuous (fun s => b s - a s)). exists (db - da). now apply D_minus. }
  assert (P : locally (b t - a t) (fun y => 0 < y)).
  { assert (Hd : 0 < b t - a t) by lra. exists (mkposreal _ Hd). intros y Hy.
    unfold ball in Hy; simpl in Hy; unfold AbsRing_ball, abs, minus, plus, opp in Hy; simpl in Hy.
    apply Rabs_def2 in Hy. lra. }
  apply C in P. unfold filtermap in P. revert P. apply filter_imp. intros; lra.
Qed.
Lemma positive_near (f : R -> R) (t l : R) :
  is_derive f t l -> 0 < f t -> locally t (fun s => 0 < f s).
Proof. intros H P. apply (locally_lt (fun _ => 0) f t 0 l); [apply D_const | easy | easy]. Qed.
Lemma nonzero_near (f : R -> R) (t l : R) :
  is_derive f t l -> f t <> 0 -> locally t (fun s => f s <> 0).
Proof.
  intros H N. destruct (Rtotal_order (f t) 0) as [L|[E|G]]; [|easy|].
  - generalize (locally_lt f (fun _ => 0) t l 0 H (D_const 0 t) L). apply filter_imp. intros; lra.
  - generalize (positive_near f t l H G). apply filter_imp. intros; lra.
Qed.
(* A choice by a comparison, away from the tie. *)
Lemma D_choice (a b f g : R -> R) (t da db df dg : R) :
  a t <> b t -> is_derive a t da -> is_derive b t db -> is_derive f t df -> is_derive g t dg ->
  is_derive (fun s => if Rlt_dec (a s) (b s) then f s else g s) t
    (if Rlt_dec (a t) (b t) then df else dg).
Proof.
  intros N Ha Hb Hf Hg. destruct (Rlt_dec (a t) (b t)) as [H|H].
  - eapply is_derive_ext_loc; [|exact Hf]. generalize (locally_lt a b t da db Ha Hb H).
    apply filter_imp. intros s Hs. destruct (Rlt_dec (a s) (b s)); [easy|lra].
  - assert (G : b t < a t) by lra.
    eapply is_derive_ext_loc; [|exact Hg]. generalize (locally_lt b a t db da Hb Ha G).
    apply filter_imp. intros s Hs. destruct (Rlt_dec (a s) (b s)); [lra|easy].
Qed.
Lemma D_Rmax (f g : R -> R) (t df dg : R) :
  f t <> g t -> is_derive f t df -> is_derive g t dg ->
  is_derive (fun s => Rmax (f s) (g s)) t (if Rlt_dec (f t) (g t) then dg else df).
Proof.
  intros N Hf Hg. apply (is_derive_ext (fun s => if Rlt_dec (f s) (g s) then g s else f s)).
  - intros s. unfold Rmax. destruct (Rlt_dec (f s) (g s)), (Rle_dec (f s) (g s)); lra.
  - exact (D_choice f g g f t df dg dg df N Hf Hg Hg Hf).
Qed.
Lemma D_Rmin (f g : R -> R) (t df dg : R) :
  f t <> g t -> is_derive f t df -> is_derive g t dg ->
  is_derive (fun s => Rmin (f s) (g s)) t (if Rlt_dec (f t) (g t) then df else dg).
Proof.
  intros N Hf Hg. apply (is_derive_ext (fun s => if Rlt_dec (f s) (g s) then f s else g s)).
  - intros s. unfold Rmin. destruct (Rlt_dec (f s) (g s)), (Rle_dec (f s) (g s)); lra.
  - exact (D_choice f g f g t df dg df dg N Hf Hg Hf Hg).
Qed.
Lemma D_Rabs (f : R -> R) (t df : R) :
  f t <> 0 -> is_derive f t df ->
  is_derive (fun s => Rabs (f s)) t ((if Rlt_dec (f t) 0 then -1 else 1) * df).
Proof.
  intros N Hf. apply (is_derive_ext (fun s => if Rlt_dec (f s) 0 then - f s else f s)).
  - intros s. destruct (Rlt_dec (f s) 0); [rewrite Rabs_left by easy | rewrite Rabs_right by lra]; easy.
  - replace ((if Rlt_dec (f t) 0 then -1 else 1) * df) with (if Rlt_dec (f t) 0 then - df else df).
    + apply (D_choice f (fun _ => 0) (fun s => - f s) f t df 0 (- df) df); auto using D_const, D_opp.
    + destruct (Rlt_dec (f t) 0); real_eq; ring.
Qed.

(* ---- gradients ----

   G is the gradient of L at w when L has the derivative <G, dw> along every curve c through w
   that has the derivative dw there.  One definition for each rank of w. *)
Definition has_grad0 (L : R -> R) (w G : R) :=
  forall c t0 dw, c t0 = w -> is_derive c t0 dw -> is_derive (fun t => L (c t)) t0 (G * dw).
Definition has_grad1 (n : nat) (L : (nat -> R) -> R) (w G : nat -> R) :=
  forall c t0 dw, c t0 = w -> (forall i, (i < n)%nat -> is_derive (fun t => c t i) t0 (dw i)) ->
  is_derive (fun t => L (c t)) t0 (sumf n (fun i => G i * dw i)).
Definition has_grad2 (m n : nat) (L : (nat -> nat -> R) -> R) (w G : nat -> nat -> R) :=
  forall c t0 dw, c t0 = w ->
  (forall i j, (i < m)%nat -> (j < n)%nat -> is_derive (fun t => c t i j) t0 (dw i j)) ->
  is_derive (fun t => L (c t)) t0 (sumf m (fun i => sumf n (fun j => G i j * dw i j))).
Definition has_grad3 (m n p : nat) (L : (nat -> nat -> nat -> R) -> R)
    (w G : nat -> nat -> nat -> R) :=
  forall c t0 dw, c t0 = w ->
  (forall i j k, (i < m)%nat -> (j < n)%nat -> (k < p)%nat ->
    is_derive (fun t => c t i j k) t0 (dw i j k)) ->
  is_derive (fun t => L (c t)) t0
    (sumf m (fun i => sumf n (fun j => sumf p (fun k => G i j k * dw i j k)))).
Definition has_grad4 (m n p q : nat) (L : (nat -> nat -> nat -> nat -> R) -> R)
    (w G : nat -> nat -> nat -> nat -> R) :=
  forall c t0 dw, c t0 = w ->
  (forall i j k l, (i < m)%nat -> (j < n)%nat -> (k < p)%nat -> (l < q)%nat ->
    is_derive (fun t => c t i j k l) t0 (dw i j k l)) ->
  is_derive (fun t => L (c t)) t0
    (sumf m (fun i => sumf n (fun j => sumf p (fun k => sumf q (fun l => G i j k l * dw i j k l))))).

(* It has the partial derivatives as its entries. *)
Definition with_entry (w : nat -> R) (k : nat) (t : R) : nat -> R :=
  fun j => if Nat.eqb j k then t else w j.
Lemma D_with_entry w k t j : is_derive (fun t => with_entry w k t j) t (delta j k).
Proof. unfold with_entry, delta. destruct (Nat.eqb j k); [apply D_id | exact (D_const (w j) t)]. Qed.
Theorem has_grad1_partial n L w G k : has_grad1 n L w G -> (k < n)%nat ->
  (forall j, with_entry w k (w k) j = w j) -> with_entry w k (w k) = w ->
  is_derive (fun t => L (with_entry w k t)) (w k) (G k).
Proof.
  intros H Hk _ E. eapply D_eq; [apply (H (with_entry w k) (w k) (fun j => delta j k) E)|].
  - intros. apply D_with_entry.
  - rewrite (sumf_ext n _ (fun j => delta j k * G j)) by (intros; ring). now apply sumf_delta.
Qed.

Global Opaque is_derive.  (* a failing unification must not unfold filters *)
