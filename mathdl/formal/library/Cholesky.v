(* The Cholesky factor of a symmetric matrix, and its derivative.  *)
From Coq Require Import Reals Lra Lia Arith PeanoNat.
From Coquelicot Require Import Coquelicot.
From Mathdl Require Import Sums Derivatives Functions Extremes Determinants Matrices.
Open Scope R_scope.

(* A i j = sum_k L i k * L j k with L i k = 0 for i < k, solved for L column by column: rest is
   what the columns before j leave of A i j.  Of a matrix that is not symmetric, the factor is
   that of its symmetric part. *)
Definition even (A : matrix) (i j : nat) : R := (A i j + A j i) / 2.
Definition rest (A L : matrix) (i j : nat) : R := even A i j - sumf j (fun k => L i k * L j k).
Definition factor_entry (A L : matrix) (i j : nat) : R :=
  if Nat.ltb i j then 0
  else if Nat.eqb i j then sqrt (rest A L j j) else rest A L i j / sqrt (rest A L j j).
Fixpoint columns (m : nat) (A : matrix) (i k : nat) {struct m} : R :=
  match m with O => 0
  | S m => if Nat.eqb k m then factor_entry A (columns m A) i m else columns m A i k
  end.
Definition cholesky (n : nat) (A : matrix) (i j : nat) : R := columns n A i j.
Definition pivot (A : matrix) (k : nat) : R := rest A (columns k A) k k.

Lemma columns_done n A i k : (k < n)%nat -> columns n A i k = factor_entry A (columns k A) i k.
Proof.
  induction n; intros H; [lia|]. cbn [columns]. destruct (Nat.eqb_spec k n) as [->|]; [easy|].
  apply IHn. lia.
Qed.
Lemma rest_ext A B L M i j :
  A i j = B i j -> A j i = B j i -> (forall k, (k < j)%nat -> L i k = M i k /\ L j k = M j k) ->
  rest A L i j = rest B M i j.
Proof.
  intros E F H. unfold rest, even. rewrite E, F. f_equal. apply sumf_ext. intros k Hk.
  now destruct (H k Hk) as [-> ->].
Qed.
Lemma rest_done n A i j : (j < n)%nat -> rest A (columns j A) i j = rest A (cholesky n A) i j.
Proof.
  intros H. apply rest_ext; try easy. intros k Hk. unfold cholesky.
  split; now rewrite !columns_done by lia.
Qed.
Lemma cholesky_entry n A i j : (j < n)%nat -> cholesky n A i j = factor_entry A (cholesky n A) i j.
Proof.
  intros H. unfold cholesky at 1. rewrite columns_done by easy. unfold factor_entry.
  now rewrite !(rest_done n) by easy.
Qed.
Lemma cholesky_lower n A i j : (i < j)%nat -> (j < n)%nat -> cholesky n A i j = 0.
Proof. intros H K. rewrite cholesky_entry by easy. unfold factor_entry. cases; lia || easy. Qed.
Lemma columns_ext n A B m : same n A B -> (m <= n)%nat ->
  forall i k, (i < n)%nat -> columns m A i k = columns m B i k.
Proof.
  intros E. induction m; intros H i k Hi; [easy|]. cbn [columns].
  destruct (Nat.eqb k m); [|apply IHm; lia]. unfold factor_entry.
  now rewrite !(rest_ext A B (columns m A) (columns m B)) by (auto with arith; split; apply IHm; lia).
Qed.
Lemma cholesky_ext n A B : same n A B -> same n (cholesky n A) (cholesky n B).
Proof. intros E i j Hi _. now apply columns_ext with (n := n). Qed.

Lemma sumf_cut n j f : (j <= n)%nat -> (forall k, (j <= k)%nat -> (k < n)%nat -> f k = 0) ->
  sumf n f = sumf j f.
Proof.
  induction n; intros H Z; [now replace j with O by lia|].
  destruct (Nat.eq_dec j (S n)) as [->|N]; [easy|]. simpl. rewrite IHn, Z by (auto; lia). ring.
Qed.
Section Factor.
Variable n : nat.
Variable A : matrix.
Hypothesis positive : forall k, (k < n)%nat -> 0 < pivot A k.
Local Notation L := (cholesky n A).
Lemma cholesky_diagonal j : (j < n)%nat -> L j j = sqrt (pivot A j).
Proof.
  intros H. rewrite cholesky_entry by easy. unfold pivot. rewrite (rest_done n) by easy.
  unfold factor_entry. cases; lia || easy.
Qed.
Lemma cholesky_diagonal_pos j : (j < n)%nat -> 0 < L j j.
Proof. intros H. rewrite cholesky_diagonal by easy. now apply sqrt_lt_R0, positive. Qed.
Lemma cholesky_column i j : (j <= i)%nat -> (j < n)%nat -> L i j * L j j = rest A L i j.
Proof.
  intros H Hj. rewrite cholesky_diagonal by easy. rewrite cholesky_entry by easy.
  pose proof (positive j Hj) as P. pose proof (sqrt_lt_R0 _ P) as Q.
  pose proof (sqrt_sqrt _ (Rlt_le _ _ P)) as E. unfold pivot in *. rewrite (rest_done n) in * by easy.
  unfold factor_entry. cases; [lia | now subst | field; lra].
Qed.
Theorem cholesky_product : same n (product n L (turned L)) (even A).
Proof.
  assert (half : forall i j, (j <= i)%nat -> (j < n)%nat -> product n L (turned L) i j = even A i j).
  { intros i j H Hj. unfold product, turned. rewrite (sumf_cut n (S j)); [|lia|].
    - cbn [sumf]. rewrite (cholesky_column i j) by lia. unfold rest. ring.
    - intros k Hk K. rewrite (cholesky_lower n A j k) by lia. ring. }
  intros i j Hi Hj. destruct (Nat.le_ge_cases j i) as [H|H]; [now apply half|].
  transitivity (product n L (turned L) j i).
  - apply sumf_ext. intros; apply Rmult_comm.
  - rewrite half by easy. unfold even. now rewrite Rplus_comm.
Qed.
End Factor.

Lemma det_upper n : forall U : matrix, (forall i, (i < n)%nat -> U i i <> 0) ->
  (forall i j, (i < n)%nat -> (j < i)%nat -> U i j = 0) -> det n U <> 0.
Proof.
  induction n; intros U D Z; [exact R1_neq_R0|]. cbn [det]. rewrite (sumf_skip n O) by lia.
  rewrite (sumf_zero n); [rewrite Rplus_0_r|].
  - apply Rmult_integral_contrapositive_currified.
    + rewrite pow_O, Rmult_1_l. apply D. lia.
    + apply IHn; intros; unfold minor; [apply D | apply Z]; cases; lia.
  - intros r Hr. rewrite (Z (skip O r) O) by (cases; lia). ring.
Qed.
Lemma det_cholesky_nonzero n A : (forall k, (k < n)%nat -> 0 < pivot A k) -> det n (cholesky n A) <> 0.
Proof.
  intros P. rewrite <- det_turned. apply det_upper; unfold turned.
  - intros i H. apply Rgt_not_eq, cholesky_diagonal_pos; easy.
  - intros. apply cholesky_lower; lia.
Qed.

(* ---- the derivative: dL = L Phi(L^-1 dA L^-T) with Phi the lower triangle and half the diagonal *)
Definition phi (W : matrix) : matrix := fun k j => (is_lt (INR j) (INR k) + delta j k / 2) * W k j.
Lemma phi_of_lower n (M W : matrix) :
  (forall i j, (i < j)%nat -> (j < n)%nat -> M i j = 0) ->
  same n (fun i j => M i j + M j i) W -> same n M (phi W).
Proof.
  intros Z E k j Hk Hj. unfold phi, is_lt. rewrite <- E by easy.
  destruct (Rlt_dec (INR j) (INR k)) as [H|H].
  - apply INR_lt in H. rewrite (Z j k), delta_neq by lia. field.
  - assert (k <= j)%nat as [K|K]%Nat.lt_eq_cases.
    { destruct (Nat.le_gt_cases k j) as [|C]; [easy|]. now apply lt_INR in C. }
    + rewrite (Z k j), delta_neq by lia. field.
    + subst. rewrite delta_refl. field.
Qed.
Lemma lower_left n (L M D : matrix) :
  (forall i, (i < n)%nat -> L i i <> 0) ->
  (forall i j, (i < j)%nat -> (j < n)%nat -> L i j = 0) ->
  (forall i j, (i < j)%nat -> (j < n)%nat -> D i j = 0) -> same n D (product n L M) ->
  forall i j, (i < j)%nat -> (j < n)%nat -> M i j = 0.
Proof.
  intros N Z K E i. induction i as [i IH] using (well_founded_induction lt_wf). intros j H Hj.
  pose proof (E i j ltac:(lia) Hj) as P. rewrite K in P by easy. unfold product in P.
  rewrite (sumf_cut n (S i)) in P; [|lia|]; cbn [sumf] in P.
  - rewrite sumf_zero in P; [|intros k Hk; rewrite (IH k) by lia; ring].
    apply (Rmult_eq_reg_l (L i i)); [lra | apply N; lia].
  - intros k Hk Hn. rewrite Z by lia. ring.
Qed.

Lemma sandwich n V B C k j :
  sumf n (fun p => sumf n (fun q => V k p * product n B (turned C) p q * V j q))
  = product n (product n V B) (turned (product n V C)) k j.
Proof.
  rewrite product_assoc. unfold product at 2. apply sumf_ext. intros p _.
  transitivity (V k p * sumf n (fun q => sumf n (fun r => B p r * (V j q * C q r)))).
  - rewrite <- sumf_scal. apply sumf_ext. intros q _. unfold product, turned.
    rewrite <- !sumf_scal, Rmult_comm, <- sumf_scal. apply sumf_ext. intros; ring.
  - f_equal. rewrite sumf_swap. unfold product. apply sumf_ext. intros r _. apply sumf_scal.
Qed.

Section Along.
Variables (n : nat) (A : R -> matrix) (dA : matrix) (t : R).
Hypothesis positive : forall k, (k < n)%nat -> 0 < pivot (A t) k.
Hypothesis moves : forall i j, (i < n)%nat -> (j < n)%nat -> is_derive (fun t => A t i j) t (dA i j).
Local Notation L := (cholesky n (A t)).
Local Notation V := (inv n (cholesky n (A t))).

Lemma D_even i j : (i < n)%nat -> (j < n)%nat -> is_derive (fun s => even (A s) i j) t (even dA i j).
Proof.
  intros Hi Hj. unfold even, Rdiv. apply (D_scalr (/ 2) (fun s => A s i j + A s j i)).
  apply (D_plus (fun s => A s i j)); auto.
Qed.
Lemma rest_moves m i j : (i < n)%nat -> (j < n)%nat ->
  (forall i k, (i < n)%nat -> ex_derive (fun s => columns m (A s) i k) t) ->
  ex_derive (fun s => rest (A s) (columns m (A s)) i j) t.
Proof.
  intros Hi Hj H. eexists. unfold rest. apply (D_minus (fun s => even (A s) i j)); [now apply D_even|].
  apply (D_sum j (fun k s => columns m (A s) i k * columns m (A s) j k)). intros k _.
  apply (D_mult (fun s => columns m (A s) i k)); now apply Derive_correct, H.
Qed.
Lemma columns_move m : (m <= n)%nat -> forall i k, (i < n)%nat ->
  ex_derive (fun s => columns m (A s) i k) t.
Proof.
  induction m; intros H i k Hi; cbn [columns]; [eexists; apply D_const|].
  assert (I : forall i k, (i < n)%nat -> ex_derive (fun s => columns m (A s) i k) t)
    by (intros; apply IHm; lia).
  destruct (Nat.eqb k m); [|now apply I]. unfold factor_entry.
  destruct (Nat.ltb i m); [eexists; apply D_const|].
  assert (P : 0 < rest (A t) (columns m (A t)) m m) by (apply positive; lia).
  pose proof (Derive_correct _ _ (rest_moves m m m H H I)) as D.
  pose proof (D_sqrt (fun s => rest (A s) (columns m (A s)) m m) t _ P D) as Q.
  destruct (Nat.eqb i m); [eexists; exact Q|]. eexists.
  apply (D_div (fun s => rest (A s) (columns m (A s)) i m)); [|now apply Derive_correct, rest_moves | exact Q].
  now apply Rgt_not_eq, sqrt_lt_R0.
Qed.
Lemma near_positive : locally t (fun s => forall k, (k < n)%nat -> 0 < pivot (A s) k).
Proof.
  apply (locally_all n (fun k s => 0 < pivot (A s) k)). intros k Hk.
  apply (locally_lt (fun _ => 0) (fun s => pivot (A s) k) t 0
    (Derive (fun s => pivot (A s) k) t)); [apply D_const | | now apply positive].
  apply Derive_correct, rest_moves; try easy. intros. apply columns_move; lia.
Qed.
Let dL : matrix := fun i j => Derive (fun s => cholesky n (A s) i j) t.
Let M : matrix := product n V dL.
Let W : matrix := fun k j => sumf n (fun p => sumf n (fun q => V k p * even dA p q * V j q)).

Lemma factor_moves i j : (i < n)%nat -> is_derive (fun s => cholesky n (A s) i j) t (dL i j).
Proof. intros H. now apply Derive_correct, columns_move. Qed.
Lemma dL_lower i j : (i < j)%nat -> (j < n)%nat -> dL i j = 0.
Proof.
  intros H Hj. unfold dL. rewrite (Derive_ext _ (fun _ => 0)); [apply Derive_const|].
  intros s. now apply cholesky_lower.
Qed.
Lemma product_moves i j : (i < n)%nat -> (j < n)%nat ->
  product n dL (turned L) i j + product n L (turned dL) i j = even dA i j.
Proof.
  intros Hi Hj.
  assert (D : is_derive (fun s => product n (cholesky n (A s)) (turned (cholesky n (A s))) i j) t
    (product n dL (turned L) i j + product n L (turned dL) i j)).
  { unfold product, turned. rewrite <- sumf_plus.
    apply (D_sum n (fun k s => cholesky n (A s) i k * cholesky n (A s) j k)). intros k Hk.
    apply (D_mult (fun s => cholesky n (A s) i k)); now apply factor_moves. }
  assert (C : is_derive (fun s => product n (cholesky n (A s)) (turned (cholesky n (A s))) i j) t
    (even dA i j)).
  { eapply is_derive_ext_loc; [|now apply D_even]. generalize near_positive. apply filter_imp.
    intros s P. symmetry. now apply cholesky_product. }
  pose proof (is_derive_unique _ _ _ D) as U. rewrite (is_derive_unique _ _ _ C) in U. now symmetry.
Qed.
Lemma D_cholesky i j : (i < n)%nat -> (j < n)%nat ->
  is_derive (fun s => cholesky n (A s) i j) t
    (sumf n (fun k => sumf n (fun p => sumf n (fun q =>
      L i k * (is_lt (INR j) (INR k) + delta j k / 2) * V k p * V j q * ((dA p q + dA q p) / 2))))).
Proof.
  intros Hi Hj. pose proof (det_cholesky_nonzero n (A t) positive) as N.
  assert (E : same n dL (product n L M)).
  { intros a b Ha Hb. unfold M. rewrite <- product_assoc.
    rewrite <- (delta_product n dL a b Ha Hb). apply product_ext; auto; [|now intros ? ? _ _].
    intros c d Hc Hd. symmetry. now apply inv_right. }
  assert (Z : forall i j, (i < j)%nat -> (j < n)%nat -> M i j = 0).
  { apply (lower_left n L M dL); auto using dL_lower.
    - intros. apply Rgt_not_eq, cholesky_diagonal_pos; auto.
    - intros. now apply cholesky_lower. }
  assert (S : same n (fun a b => M a b + M b a) W).
  { assert (one : same n (product n V L) delta) by now apply inv_left.
    intros k l Hk Hl. unfold W.
    transitivity (product n (product n V dL) (turned (product n V L)) k l
      + product n (product n V L) (turned (product n V dL)) k l).
    - fold M. f_equal.
      + rewrite <- (product_delta n M k l Hk Hl). apply product_ext; auto; [now intros ? ? _ _|].
        intros a b Ha Hb. unfold turned. now rewrite one, delta_sym.
      + transitivity (product n delta (turned M) k l); [symmetry; exact (delta_product n (turned M) k l Hk Hl)|].
        apply product_ext; auto; [|now intros ? ? _ _]. intros a b Ha Hb. now rewrite one.
    - rewrite <- !sandwich, <- sumf_plus. apply sumf_ext. intros p Hp. rewrite <- sumf_plus.
      apply sumf_ext. intros q Hq. rewrite <- product_moves by easy. ring. }
  eapply D_eq; [now apply factor_moves|]. rewrite E by easy. unfold product. apply sumf_ext.
  intros k Hk. rewrite (phi_of_lower n M W Z S) by easy. unfold phi, W. rewrite <- !sumf_scal.
  apply sumf_ext. intros p Hp. rewrite <- !sumf_scal. apply sumf_ext. intros q Hq.
  unfold even. field.
Qed.
End Along.

(* ---- what a cotangent G of the factor gives to the matrix: B is L^-T P, T is L^-T B^T ---- *)
Section Adjoint.
Variables (n : nat) (L V G dL dA P B T bar : matrix).
Let w k j := sumf n (fun l => sumf n (fun m => V k l * V j m * ((dA l m + dA m l) / 2))).
Lemma exchanged k j : w j k = w k j.
Proof.
  unfold w. rewrite sumf_swap. apply sumf_ext. intros l _. apply sumf_ext. intros m _. field.
Qed.
Lemma adjoint_cholesky :
  (forall i j, (i < n)%nat -> (j < n)%nat -> dL i j = sumf n (fun k => sumf n (fun l => sumf n (fun m =>
    L i k * (is_lt (INR j) (INR k) + delta j k / 2) * V k l * V j m * ((dA l m + dA m l) / 2))))) ->
  (forall k j, (k < n)%nat -> (j < n)%nat ->
    P k j = (is_lt (INR j) (INR k) + delta k j / 2) * sumf n (fun i => L i k * G i j)) ->
  (forall l j, (l < n)%nat -> (j < n)%nat -> B l j = sumf n (fun k => V k l * P k j)) ->
  (forall l m, (l < n)%nat -> (m < n)%nat -> T l m = sumf n (fun j => V j l * B m j)) ->
  (forall l m, (l < n)%nat -> (m < n)%nat -> bar l m = (T l m + T m l) / 2) ->
  sumf n (fun i => sumf n (fun j => G i j * dL i j))
  = sumf n (fun l => sumf n (fun m => bar l m * dA l m)).
Proof.
  intros HL HP HB HT Hbar. transitivity (sumf n (fun j => sumf n (fun k => P k j * w k j))).
  - rewrite sumf_swap. apply sumf_ext. intros j Hj.
    transitivity (sumf n (fun i => sumf n (fun k =>
      w k j * (is_lt (INR j) (INR k) + delta j k / 2) * (L i k * G i j)))).
    + apply sumf_ext. intros i Hi. rewrite HL, <- sumf_scal by easy. apply sumf_ext. intros k _.
      transitivity (G i j * (L i k * (is_lt (INR j) (INR k) + delta j k / 2) * w k j)); [|ring].
      f_equal. unfold w. rewrite <- sumf_scal. apply sumf_ext. intros l _. rewrite <- sumf_scal.
      apply sumf_ext. intros; field.
    + rewrite sumf_swap. apply sumf_ext. intros k Hk. rewrite sumf_scal, HP, (delta_sym k j) by easy. ring.
  - transitivity (sumf n (fun l => sumf n (fun m => T l m * ((dA l m + dA m l) / 2)))).
    + symmetry. transitivity (sumf n (fun l => sumf n (fun m => sumf n (fun j => sumf n (fun k =>
        P k j * (V j l * V k m * ((dA l m + dA m l) / 2))))))).
      { apply sumf_ext. intros l Hl. apply sumf_ext. intros m Hm. rewrite HT by easy.
        rewrite Rmult_comm, <- sumf_scal. apply sumf_ext. intros j Hj. rewrite HB by easy.
        rewrite <- !sumf_scal. apply sumf_ext. intros; ring. }
      transitivity (sumf n (fun j => sumf n (fun k => sumf n (fun l => sumf n (fun m =>
        P k j * (V j l * V k m * ((dA l m + dA m l) / 2))))))).
      { rewrite (sumf_ext n _ (fun l => sumf n (fun j => sumf n (fun k => sumf n (fun m =>
          P k j * (V j l * V k m * ((dA l m + dA m l) / 2))))))).
        - rewrite sumf_swap. apply sumf_ext. intros j _. apply sumf_swap.
        - intros l _. rewrite sumf_swap. apply sumf_ext. intros j _. apply sumf_swap. }
      apply sumf_ext. intros j _. apply sumf_ext. intros k _. rewrite <- exchanged. unfold w.
      rewrite <- sumf_scal. apply sumf_ext. intros l _. apply sumf_scal.
    + transitivity (sumf n (fun l => sumf n (fun m => T l m / 2 * dA l m))
        + sumf n (fun l => sumf n (fun m => T l m / 2 * dA m l))).
      { rewrite <- sumf_plus. apply sumf_ext. intros l _. rewrite <- sumf_plus. apply sumf_ext.
        intros; field. }
      rewrite (sumf_swap n n (fun l m => T l m / 2 * dA m l)), <- sumf_plus. apply sumf_ext.
      intros l Hl. rewrite <- sumf_plus. apply sumf_ext. intros m Hm. rewrite Hbar by easy. field.
Qed.
End Adjoint.
