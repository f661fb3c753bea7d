(* The inverse of a matrix and the logarithm of its determinant, with their derivatives.  *)
From Coq Require Import Reals Lra Lia Arith PeanoNat.
From Coquelicot Require Import Coquelicot.
From Mathdl Require Import Sums Derivatives Determinants.
Open Scope R_scope.

(* Cramer's rule; the matrix itself where it has no inverse. *)
Definition inv (n : nat) (A : matrix) : matrix :=
  fun i j => if Req_EM_T (det n A) 0 then A i j
             else det n (with_row j (fun l => delta l i) A) / det n A.
Definition logdet (n : nat) (A : matrix) : R := ln (Rabs (det n A)).

Lemma product_assoc n A B C i j : product n (product n A B) C i j = product n A (product n B C) i j.
Proof.
  unfold product.
  rewrite (sumf_ext n _ (fun k => sumf n (fun l => A i l * B l k * C k j))).
  - rewrite sumf_swap. apply sumf_ext. intros l _. rewrite <- sumf_scal. apply sumf_ext.
    intros k _. ring.
  - intros k _. rewrite Rmult_comm, <- sumf_scal. apply sumf_ext. intros l _. ring.
Qed.
Lemma one_inverse n A V W : same n (product n W A) delta -> same n (product n A V) delta -> same n W V.
Proof.
  intros L R i j Hi Hj. rewrite <- (product_delta n W i j Hi Hj), <- (delta_product n V i j Hi Hj).
  transitivity (product n W (product n A V) i j).
  - apply product_ext; auto; [now intros ? ? _ _|]. intros k l Hk Hl. now rewrite R.
  - rewrite <- product_assoc. apply product_ext; auto. now intros ? ? _ _.
Qed.
Lemma inv_cramer n A i j : det n A <> 0 ->
  inv n A i j = det n (with_row j (fun l => delta l i) A) / det n A.
Proof. intros H. unfold inv. now destruct (Req_EM_T (det n A) 0). Qed.
Lemma inv_right n A : det n A <> 0 -> same n (product n A (inv n A)) delta.
Proof.
  intros H i k Hi Hk. unfold product.
  rewrite (sumf_ext n _ (fun j => / det n A * (A i j * det n (with_row k (fun l => delta l j) A))))
    by (intros; rewrite inv_cramer by easy; unfold Rdiv; ring).
  rewrite sumf_scal, (cramer n (det n) (det_ext n) (det_linear n) (det_adjacent n)) by easy.
  now field.
Qed.
Lemma inverse_left n A : det n A <> 0 -> exists W, same n (product n W A) delta.
Proof.
  intros H. set (F B := det n (turned B)).
  exists (fun k j => F (with_row k (fun l => delta l j) (turned A)) / det n A).
  intros k i Hk Hi. unfold product.
  rewrite (sumf_ext n _
    (fun j => / det n A * (turned A i j * F (with_row k (fun l => delta l j) (turned A)))))
    by (intros; unfold turned, Rdiv; ring).
  rewrite sumf_scal, (cramer n F (turned_ext n) (turned_linear n) (turned_adjacent n)) by easy.
  change (F (turned A)) with (det n A). rewrite delta_sym. now field.
Qed.
Lemma inv_left n A : det n A <> 0 -> same n (product n (inv n A) A) delta.
Proof.
  intros H i j Hi Hj. destruct (inverse_left n A H) as [W L].
  rewrite <- (L i j Hi Hj). apply product_ext; auto; [|now intros ? ? _ _].
  intros k l Hk Hl. symmetry. now apply (one_inverse n A _ _ L (inv_right n A H)).
Qed.
Lemma inv_ext n A B : same n A B -> same n (inv n A) (inv n B).
Proof.
  intros H i j Hi Hj. unfold inv. rewrite (det_ext n A B H).
  destruct (Req_EM_T (det n B) 0); [auto|]. f_equal. apply det_ext.
  intros k l Hk Hl. unfold with_row. cases; auto.
Qed.
Lemma inv_unique n A V : same n (product n A V) delta -> det n A <> 0 /\ same n (inv n A) V.
Proof.
  intros H.
  assert (N : det n A <> 0).
  { intros Z. pose proof (det_product n A V) as E.
    rewrite (det_ext n _ delta H), det_delta, Z in E. lra. }
  split; [easy|]. exact (one_inverse n A _ _ (inv_left n A N) H).
Qed.
Lemma inv_turned n A : same n (inv n (turned A)) (turned (inv n A)).
Proof.
  destruct (Req_EM_T (det n A) 0) as [Z|N].
  - intros i j _ _. unfold turned at 2. unfold inv. rewrite det_turned.
    now destruct (Req_EM_T (det n A) 0).
  - apply inv_unique. intros i j Hi Hj. rewrite delta_sym, <- (inv_left n A N j i Hj Hi).
    apply sumf_ext. intros k _. apply Rmult_comm.
Qed.
Lemma inv_symmetric n A : same n A (turned A) -> same n (inv n A) (turned (inv n A)).
Proof.
  intros H i j Hi Hj. rewrite <- (inv_turned n A i j Hi Hj). now apply inv_ext.
Qed.
Lemma det_turned_nonzero n A : det n A <> 0 -> det n (turned A) <> 0.
Proof. now rewrite det_turned. Qed.
Lemma det_inv_product n A : det n A <> 0 -> det n A * det n (inv n A) = 1.
Proof.
  intros H. rewrite <- det_product, (det_ext n _ delta (inv_right n A H)). apply det_delta.
Qed.
Lemma det_inv_nonzero n A : det n A <> 0 -> det n (inv n A) <> 0.
Proof. intros H Z. pose proof (det_inv_product n A H) as E. rewrite Z in E. lra. Qed.
Lemma inv_singular n A i j : det n A = 0 -> inv n A i j = A i j.
Proof. intros H. unfold inv. now destruct (Req_EM_T (det n A) 0). Qed.
Lemma inv_inv n A : same n (inv n (inv n A)) A.
Proof.
  destruct (Req_EM_T (det n A) 0) as [Z|N]; [|apply inv_unique, inv_left, N].
  intros i j Hi Hj. rewrite inv_singular; [now apply inv_singular|].
  rewrite <- Z. apply det_ext. intros k l _ _. now apply inv_singular.
Qed.
Lemma inverse_of_0 : / 0 = 0.
Proof. rewrite RinvImpl.Rinv_def. destruct (Req_appart_dec 0 R0) as [|[H|H]]; [easy | |]; exfalso; exact (Rlt_irrefl _ H). Qed.
Lemma det_inv n A : det n (inv n A) = / det n A.
Proof.
  destruct (Req_EM_T (det n A) 0) as [Z|N].
  - rewrite Z, inverse_of_0, <- Z. apply det_ext. intros i j _ _. now apply inv_singular.
  - apply (Rmult_eq_reg_l (det n A)); [|easy]. rewrite det_inv_product by easy. now field.
Qed.
Lemma ln_outside x : ~ 0 < x -> ln x = 0.
Proof. intros H. unfold ln. destruct (Rlt_dec 0 x) as [L|L]; [now exfalso | easy]. Qed.
Lemma logdet_inv n A : logdet n (inv n A) = - logdet n A.
Proof.
  unfold logdet. rewrite det_inv. destruct (Req_EM_T (det n A) 0) as [Z|N].
  - rewrite Z, inverse_of_0, Rabs_R0. rewrite (ln_outside 0 (Rlt_irrefl 0)). apply eq_sym, Ropp_0.
  - rewrite Rabs_inv by easy. apply ln_Rinv. now apply Rabs_pos_lt.
Qed.
Lemma logdet_positive n A : 0 < det n A -> logdet n A = ln (det n A).
Proof. intros H. unfold logdet. now rewrite Rabs_pos_eq by lra. Qed.
Lemma logdet_ext n A B : same n A B -> logdet n A = logdet n B.
Proof. intros H. unfold logdet. now rewrite (det_ext n A B H). Qed.
Lemma logdet_turned n A : logdet n (turned A) = logdet n A.
Proof. unfold logdet. now rewrite det_turned. Qed.

(* ---- Jacobi's formula, and the derivative of the inverse ---- *)
Lemma D_det_rows n : forall (A : R -> matrix) (dA : matrix) t,
  (forall i j, (i < n)%nat -> (j < n)%nat -> is_derive (fun t => A t i j) t (dA i j)) ->
  is_derive (fun t => det n (A t)) t (sumf n (fun k => det n (with_row k (dA k) (A t)))).
Proof.
  induction n; intros A dA t H; [exact (D_const 1 t)|].
  eapply D_eq.
  - apply (D_sum (S n) (fun i t => (-1) ^ i * A t i O * det n (minor i (A t)))). intros i Hi.
    apply (D_mult (fun t => (-1) ^ i * A t i O)).
    + apply D_scal, H; lia.
    + apply (IHn (fun t => minor i (A t)) (minor i dA)). intros r c Hr Hc.
      apply H; cases; lia.
  - cbn [det]. rewrite sumf_swap. apply sumf_ext. intros i Hi. real_eq.
    rewrite (sumf_skip n i) by lia. f_equal.
    + rewrite (det_ext n (minor i (with_row i _ _)) (minor i (A t)))
        by (intros ? ? _ _; apply minor_row_same).
      unfold with_row. now rewrite Nat.eqb_refl.
    + rewrite <- sumf_scal. apply sumf_ext. intros r Hr.
      rewrite (det_ext n (minor i (with_row (skip i r) (dA (skip i r)) (A t)))
        (with_row r (minor i dA r) (minor i (A t)))).
      * replace (with_row (skip i r) (dA (skip i r)) (A t) i O) with (A t i O); [easy|].
        unfold with_row. cases; lia || easy.
      * intros k c _ _. rewrite minor_row by (cases; lia).
        replace (place i (skip i r)) with r by (cases; lia). easy.
Qed.
Lemma D_det n (A : R -> matrix) (dA : matrix) t : det n (A t) <> 0 ->
  (forall i j, (i < n)%nat -> (j < n)%nat -> is_derive (fun t => A t i j) t (dA i j)) ->
  is_derive (fun t => det n (A t)) t
    (sumf n (fun i => sumf n (fun j => det n (A t) * inv n (A t) j i * dA i j))).
Proof.
  intros N H. eapply D_eq; [now apply D_det_rows with (dA := dA)|]. apply sumf_ext. intros k Hk.
  rewrite (row_entries n (det n) (det_ext n) (det_linear n)) by easy. apply sumf_ext. intros j Hj.
  rewrite inv_cramer by easy. now field.
Qed.
Lemma D_logdet n (A : R -> matrix) (dA : matrix) t : det n (A t) <> 0 ->
  (forall i j, (i < n)%nat -> (j < n)%nat -> is_derive (fun t => A t i j) t (dA i j)) ->
  is_derive (fun t => logdet n (A t)) t
    (sumf n (fun i => sumf n (fun j => inv n (A t) j i * dA i j))).
Proof.
  intros N H. unfold logdet. eapply D_eq.
  - apply (D_ln (fun t => Rabs (det n (A t)))); [now apply Rabs_pos_lt|].
    apply (D_Rabs (fun t => det n (A t))); [easy | now apply D_det with (dA := dA)].
  - real_eq. rewrite (sumf_ext n (fun i => sumf n (fun j => det n (A t) * inv n (A t) j i * dA i j))
      (fun i => det n (A t) * sumf n (fun j => inv n (A t) j i * dA i j))).
    + rewrite sumf_scal. set (s := sumf n _). destruct (Rlt_dec (det n (A t)) 0).
      * rewrite Rabs_left by easy. now field.
      * rewrite Rabs_right by lra. now field.
    + intros i Hi. rewrite <- sumf_scal. apply sumf_ext. intros j Hj. ring.
Qed.
Lemma D_inverse n (A : R -> matrix) (dA : matrix) t : det n (A t) <> 0 ->
  (forall i j, (i < n)%nat -> (j < n)%nat -> is_derive (fun t => A t i j) t (dA i j)) ->
  forall i j, (i < n)%nat -> (j < n)%nat ->
  is_derive (fun t => inv n (A t) i j) t
    (sumf n (fun k => sumf n (fun l => - (inv n (A t) i k * dA k l * inv n (A t) l j)))).
Proof.
  intros N H.
  assert (near : locally t (fun s => det n (A s) <> 0)).
  { pose proof (D_det n A dA t N H) as D.
    destruct (Rtotal_order (det n (A t)) 0) as [L|[L|L]]; [|lra|].
    - generalize (locally_lt (fun s => det n (A s)) (fun _ => 0) t _ 0 D (D_const 0 t) L).
      apply filter_imp. intros; lra.
    - generalize (locally_lt (fun _ => 0) (fun s => det n (A s)) t 0 _ (D_const 0 t) D L).
      apply filter_imp. intros; lra. }
  assert (E : exists dV : matrix, forall i j, is_derive (fun t => inv n (A t) i j) t (dV i j)).
  { eexists (fun i j => _). intros i j. eapply is_derive_ext_loc.
    { exact (filter_imp _ _ (fun s H => eq_sym (inv_cramer n (A s) i j H)) near). }
    apply (D_div (fun t => det n (with_row j (fun l => delta l i) (A t))) (fun t => det n (A t))).
    - easy.
    - apply D_det_rows with (A := fun t => with_row j (fun l => delta l i) (A t))
        (dA := with_row j (fun _ => 0) dA).
      intros k l Hk Hl. unfold with_row. cases; [apply D_const | auto].
    - now apply D_det_rows with (dA := dA). }
  destruct E as [dV E].
  assert (Z : same n (product n dA (inv n (A t))) (fun i j => - product n (A t) dV i j)).
  { intros i j Hi Hj.
    assert (D : is_derive (fun s => product n (A s) (inv n (A s)) i j) t
      (product n dA (inv n (A t)) i j + product n (A t) dV i j)).
    { unfold product. eapply D_eq.
      - apply (D_sum n (fun k s => A s i k * inv n (A s) k j)). intros k Hk.
        apply (D_mult (fun s => A s i k)); auto.
      - apply sumf_plus. }
    assert (C : is_derive (fun s => product n (A s) (inv n (A s)) i j) t 0).
    { eapply is_derive_ext_loc; [|apply (D_const (delta i j))].
      revert near. apply filter_imp. intros s Hs. symmetry. now apply inv_right. }
    pose proof (is_derive_unique _ _ _ D) as U. pose proof (is_derive_unique _ _ _ C) as U'.
    rewrite U' in U. lra. }
  intros i j Hi Hj. eapply D_eq; [apply E|].
  transitivity (product n (product n (inv n (A t)) (A t)) dV i j).
  - transitivity (product n delta dV i j); [symmetry; now apply delta_product|].
    apply product_ext; auto; [|now intros ? ? _ _]. intros k l Hk Hl. symmetry. now apply inv_left.
  - rewrite product_assoc. unfold product at 1. apply sumf_ext. intros k Hk.
    assert (Q : product n (A t) dV k j = - product n dA (inv n (A t)) k j)
      by (rewrite Z by easy; ring).
    rewrite Q. unfold product. rewrite <- sumf_opp, <- sumf_scal. apply sumf_ext. intros l Hl. ring.
Qed.
