(* The greatest and the least over an axis, where one entry alone attains it, and products.  *)
From Coq Require Import Arith Reals Lra Lia.
From Coquelicot Require Import Coquelicot.
From Mathdl Require Import Sums Derivatives Primitives Functions.
Open Scope R_scope.
Local Transparent is_derive.

Definition unique_max (n : nat) (f : nat -> R) : Prop :=
  exists m, (m < n)%nat /\ forall i, (i < n)%nat -> i <> m -> f i < f m.
Definition unique_max2 (m n : nat) (f : nat -> nat -> R) : Prop :=
  exists a b, (a < m)%nat /\ (b < n)%nat /\
    forall i j, (i < m)%nat -> (j < n)%nat -> i <> a \/ j <> b -> f i j < f a b.
Definition unique_min (n : nat) (f : nat -> R) : Prop := unique_max n (fun i => - f i).
Definition unique_min2 (m n : nat) (f : nat -> nat -> R) : Prop :=
  unique_max2 m n (fun i j => - f i j).

Lemma maxf_step n f : (0 < n)%nat -> maxf (S n) f = Rmax (maxf n f) (f n).
Proof. destruct n; [lia | easy]. Qed.
Lemma minf_step n f : (0 < n)%nat -> minf (S n) f = Rmin (minf n f) (f n).
Proof. destruct n; [lia | easy]. Qed.
Lemma maxf_lt n f c : (0 < n)%nat -> (forall i, (i < n)%nat -> f i < c) -> maxf n f < c.
Proof.
  induction n; intros L H; [lia|]. destruct (Nat.eq_dec n 0) as [->|N]; [apply H; lia|].
  rewrite maxf_step by lia. apply Rmax_lub_lt; [apply IHn; auto; lia | apply H; lia].
Qed.
Lemma maxf_at n f m :
  (m < n)%nat -> (forall i, (i < n)%nat -> i <> m -> f i < f m) -> maxf n f = f m.
Proof.
  induction n; intros L H; [lia|]. destruct (Nat.eq_dec n 0) as [->|N].
  - now replace m with 0%nat by lia.
  - rewrite maxf_step by lia. destruct (Nat.eq_dec m n) as [->|M].
    + apply Rmax_right, Rlt_le, maxf_lt; [lia|]. intros; apply H; lia.
    + rewrite IHn by (lia || auto). apply Rmax_left, Rlt_le, H; lia.
Qed.
Lemma maxf_at2 m n f a b : (a < m)%nat -> (b < n)%nat ->
  (forall i j, (i < m)%nat -> (j < n)%nat -> i <> a \/ j <> b -> f i j < f a b) ->
  maxf m (fun i => maxf n (fun j => f i j)) = f a b.
Proof.
  intros A B H. assert (E : maxf n (fun j => f a j) = f a b).
  { apply (maxf_at n (fun j => f a j) b); [easy|]. intros; apply H; auto. }
  rewrite <- E. apply (maxf_at m (fun i => maxf n (fun j => f i j)) a); [easy|].
  intros i L N. rewrite E. apply maxf_lt; [lia|]. intros; apply H; auto.
Qed.
Lemma maxf_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> maxf n f = maxf n g.
Proof.
  induction n; intros H; [easy|]. destruct (Nat.eq_dec n 0) as [->|N]; [apply H; lia|].
  rewrite !maxf_step by lia. rewrite IHn by auto. now rewrite H by lia.
Qed.
Lemma minf_maxf n f : minf n f = - maxf n (fun i => - f i).
Proof.
  induction n; [simpl; ring|]. destruct (Nat.eq_dec n 0) as [->|N]; [simpl; ring|].
  rewrite maxf_step, minf_step by lia. rewrite IHn. unfold Rmax, Rmin.
  destruct (Rle_dec (- maxf n (fun i => - f i)) (f n)), (Rle_dec (maxf n (fun i => - f i)) (- f n));
    lra.
Qed.
Lemma minf_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> minf n f = minf n g.
Proof. intros H. rewrite !minf_maxf. f_equal. apply maxf_ext. intros. now rewrite H. Qed.
Lemma prodf_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> prodf n f = prodf n g.
Proof. induction n; intros H; simpl; [easy|]. rewrite IHn by auto. now rewrite H by lia. Qed.

Lemma locally_all n (P : nat -> R -> Prop) t :
  (forall i, (i < n)%nat -> locally t (P i)) -> locally t (fun s => forall i, (i < n)%nat -> P i s).
Proof.
  induction n; intros H; [apply filter_forall; intros; lia|].
  generalize (filter_and _ _ (IHn (fun i L => H i (Nat.lt_lt_succ_r _ _ L))) (H n (Nat.lt_succ_diag_r n))).
  apply filter_imp. intros s [A B] i L. destruct (Nat.eq_dec i n) as [->|N]; [easy|]. apply A. lia.
Qed.
Lemma locally_all2 m n (P : nat -> nat -> R -> Prop) t :
  (forall i j, (i < m)%nat -> (j < n)%nat -> locally t (P i j)) ->
  locally t (fun s => forall i j, (i < m)%nat -> (j < n)%nat -> P i j s).
Proof.
  intros H. generalize (locally_all m (fun i s => forall j, (j < n)%nat -> P i j s) t
    (fun i L => locally_all n (P i) t (fun j => H i j L))). apply filter_imp. auto.
Qed.

(* Each entry's share of the derivative: all of it goes to the one that attains the extreme. *)
Lemma shares n f g m : (m < n)%nat -> (forall i, (i < n)%nat -> f i = delta i m) ->
  sumf n (fun i => f i / sumf n f * g i) = g m.
Proof.
  intros L H. assert (C : sumf n f = 1).
  { rewrite (sumf_ext n f (fun i => delta i m * 1)) by (intros; rewrite H by easy; ring).
    now apply (sumf_delta n m (fun _ => 1)). }
  rewrite (sumf_ext n _ (fun i => delta i m * g i)); [now apply sumf_delta|].
  intros i Li. rewrite C, H by easy. field.
Qed.
Lemma is_eq_yes a b : a = b -> is_eq a b = 1.
Proof. intros ->. unfold is_eq. destruct (Req_EM_T b b); easy. Qed.
Lemma is_eq_no a b : a <> b -> is_eq a b = 0.
Proof. intros. unfold is_eq. destruct (Req_EM_T a b); easy. Qed.
Lemma is_eq_opp a b : is_eq (- a) (- b) = is_eq a b.
Proof. unfold is_eq. destruct (Req_EM_T (- a) (- b)), (Req_EM_T a b); lra. Qed.

Lemma D_maxf n (f : nat -> R -> R) (t : R) (df : nat -> R) :
  unique_max n (fun i => f i t) -> (forall i, (i < n)%nat -> is_derive (f i) t (df i)) ->
  is_derive (fun s => maxf n (fun i => f i s)) t
    (sumf n (fun i => is_eq (f i t) (maxf n (fun i => f i t))
      / sumf n (fun i => is_eq (f i t) (maxf n (fun i => f i t))) * df i)).
Proof.
  intros [m [L U]] H. pose proof (maxf_at n (fun i => f i t) m L U) as E. cbv beta in E.
  rewrite E. eapply D_eq; [|symmetry; apply (shares n (fun i => is_eq (f i t) (f m t)) df m L)].
  - eapply is_derive_ext_loc; [|exact (H m L)].
    assert (N : locally t (fun s => forall i, (i < n)%nat -> i <> m -> f i s < f m s)).
    { apply locally_all. intros i Li. destruct (Nat.eq_dec i m) as [->|M].
      - apply filter_forall. intros s F. now destruct F.
      - generalize (locally_lt (f i) (f m) t _ _ (H i Li) (H m L) (U i Li M)).
        apply filter_imp. easy. }
    revert N. apply filter_imp. intros s Hs. symmetry. now apply (maxf_at n (fun i => f i s) m).
  - intros i Li. destruct (Nat.eq_dec i m) as [->|M].
    + now rewrite is_eq_yes, delta_refl.
    + rewrite is_eq_no, delta_neq by (auto; specialize (U i Li M); cbv beta in U; lra). easy.
Qed.
Lemma D_minf n (f : nat -> R -> R) (t : R) (df : nat -> R) :
  unique_min n (fun i => f i t) -> (forall i, (i < n)%nat -> is_derive (f i) t (df i)) ->
  is_derive (fun s => minf n (fun i => f i s)) t
    (sumf n (fun i => is_eq (f i t) (minf n (fun i => f i t))
      / sumf n (fun i => is_eq (f i t) (minf n (fun i => f i t))) * df i)).
Proof.
  intros U H. apply (is_derive_ext (fun s => - maxf n (fun i => - f i s))).
  { intros s. symmetry. apply (minf_maxf n (fun i => f i s)). }
  eapply D_eq.
  { apply (D_opp (fun s => maxf n (fun i => - f i s))).
    apply (D_maxf n (fun i s => - f i s) t (fun i => - df i) U). intros. now apply D_opp, H. }
  rewrite <- sumf_opp. apply sumf_ext. intros i L. rewrite minf_maxf.
  rewrite (sumf_ext n (fun i => is_eq (f i t) _)
    (fun i => is_eq (- f i t) (maxf n (fun i => - f i t)))).
  - rewrite <- (is_eq_opp (f i t)), Ropp_involutive. unfold Rdiv. ring.
  - intros j _. now rewrite <- is_eq_opp, Ropp_involutive.
Qed.

(* The same over two axes. *)
Lemma shares2 m n f g a b : (a < m)%nat -> (b < n)%nat ->
  (forall i j, (i < m)%nat -> (j < n)%nat -> f i j = delta i a * delta j b) ->
  sumf m (fun i => sumf n (fun j =>
    f i j / sumf m (fun i => sumf n (fun j => f i j)) * g i j)) = g a b.
Proof.
  intros A B H. assert (K : forall h, sumf m (fun i => sumf n (fun j => f i j * h i j)) = h a b).
  { intros h. rewrite (sumf_ext m _ (fun i => delta i a * h i b)); [now apply (sumf_delta m a)|].
    intros i L. rewrite (sumf_ext n _ (fun j => delta j b * (delta i a * h i j))).
    - apply (sumf_delta n b (fun j => delta i a * h i j) B).
    - intros j J. rewrite H by easy. ring. }
  assert (C : sumf m (fun i => sumf n (fun j => f i j)) = 1).
  { rewrite <- (K (fun _ _ => 1)). apply sumf_ext. intros. apply sumf_ext. intros. ring. }
  rewrite <- (K g), C. apply sumf_ext. intros. apply sumf_ext. intros. field.
Qed.
Lemma D_maxf2 m n (f : nat -> nat -> R -> R) (t : R) (df : nat -> nat -> R) :
  unique_max2 m n (fun i j => f i j t) ->
  (forall i j, (i < m)%nat -> (j < n)%nat -> is_derive (f i j) t (df i j)) ->
  is_derive (fun s => maxf m (fun i => maxf n (fun j => f i j s))) t
    (sumf m (fun i => sumf n (fun j =>
      is_eq (f i j t) (maxf m (fun i => maxf n (fun j => f i j t)))
      / sumf m (fun i => sumf n (fun j =>
          is_eq (f i j t) (maxf m (fun i => maxf n (fun j => f i j t))))) * df i j))).
Proof.
  intros [a [b [A [B U]]]] H.
  pose proof (maxf_at2 m n (fun i j => f i j t) a b A B U) as E. cbv beta in E. rewrite E.
  eapply D_eq; [|symmetry;
    apply (shares2 m n (fun i j => is_eq (f i j t) (f a b t)) df a b A B)].
  - eapply is_derive_ext_loc; [|exact (H a b A B)].
    assert (N : locally t (fun s => forall i, (i < m)%nat -> forall j, (j < n)%nat ->
      i <> a \/ j <> b -> f i j s < f a b s)).
    { apply locally_all. intros i I. apply locally_all. intros j J.
      destruct (Nat.eq_dec i a) as [->|M]; [destruct (Nat.eq_dec j b) as [->|M]|].
      - apply filter_forall. intros s [F|F]; now destruct F.
      - generalize (locally_lt _ _ t _ _ (H a j I J) (H a b A B) (U a j I J (or_intror M))).
        apply filter_imp. easy.
      - generalize (locally_lt _ _ t _ _ (H i j I J) (H a b A B) (U i j I J (or_introl M))).
        apply filter_imp. easy. }
    revert N. apply filter_imp. intros s Hs. symmetry.
    apply (maxf_at2 m n (fun i j => f i j s) a b A B). intros. now apply Hs.
  - intros i j I J. destruct (Nat.eq_dec i a) as [->|M]; [destruct (Nat.eq_dec j b) as [->|M]|].
    + rewrite is_eq_yes, !delta_refl by easy. ring.
    + rewrite is_eq_no, (delta_neq j) by
        (auto; specialize (U a j I J (or_intror M)); cbv beta in U; lra). ring.
    + rewrite is_eq_no, (delta_neq i) by
        (auto; specialize (U i j I J (or_introl M)); cbv beta in U; lra). ring.
Qed.
Lemma minf_maxf2 m n f : minf m (fun i => minf n (fun j => f i j))
  = - maxf m (fun i => maxf n (fun j => - f i j)).
Proof.
  rewrite minf_maxf. f_equal. apply maxf_ext. intros. rewrite minf_maxf. ring.
Qed.
Lemma D_minf2 m n (f : nat -> nat -> R -> R) (t : R) (df : nat -> nat -> R) :
  unique_min2 m n (fun i j => f i j t) ->
  (forall i j, (i < m)%nat -> (j < n)%nat -> is_derive (f i j) t (df i j)) ->
  is_derive (fun s => minf m (fun i => minf n (fun j => f i j s))) t
    (sumf m (fun i => sumf n (fun j =>
      is_eq (f i j t) (minf m (fun i => minf n (fun j => f i j t)))
      / sumf m (fun i => sumf n (fun j =>
          is_eq (f i j t) (minf m (fun i => minf n (fun j => f i j t))))) * df i j))).
Proof.
  intros U H. eapply is_derive_ext.
  { intros s. symmetry. apply (minf_maxf2 m n (fun i j => f i j s)). }
  eapply D_eq.
  { apply (D_opp (fun s => maxf m (fun i => maxf n (fun j => - f i j s)))).
    apply (D_maxf2 m n (fun i j s => - f i j s) t (fun i j => - df i j) U).
    intros. now apply D_opp, H. }
  rewrite (minf_maxf2 m n (fun i j => f i j t)).
  set (M := maxf m (fun i => maxf n (fun j => - f i j t))).
  rewrite (sumf_ext m (fun i => sumf n (fun j => is_eq (f i j t) (- M)))
    (fun i => sumf n (fun j => is_eq (- f i j t) M))).
  - rewrite <- sumf_opp. apply sumf_ext. intros i _. rewrite <- sumf_opp. apply sumf_ext.
    intros j _. rewrite <- (is_eq_opp (f i j t)), Ropp_involutive. unfold Rdiv. ring.
  - intros i _. apply sumf_ext. intros j _. now rewrite <- is_eq_opp, Ropp_involutive.
Qed.

Lemma D_prodf n (f : nat -> R -> R) (t : R) (df : nat -> R) :
  (forall i, (i < n)%nat -> is_derive (f i) t (df i)) ->
  is_derive (fun s => prodf n (fun i => f i s)) t
    (sumf n (fun i => prodf n (fun j => choose (is_eq (INR j) (INR i)) 1 (f j t)) * df i)).
Proof.
  induction n; intros H; simpl; [apply D_const|].
  eapply D_eq; [apply (D_mult (fun s => prodf n (fun i => f i s)) (f n)); [apply IHn|]; auto|].
  f_equal.
  - rewrite Rmult_comm, <- sumf_scal. apply sumf_ext. intros i L.
    rewrite (is_eq_no (INR n)) by (apply not_INR; lia).
    unfold choose at 3. destruct (Req_EM_T 0 0); [|easy]. ring.
  - rewrite (is_eq_yes (INR n)) by easy. unfold choose at 2.
    destruct (Req_EM_T 1 0) as [F|_]; [lra|].
    rewrite (prodf_ext n (fun j => choose (is_eq (INR j) (INR n)) 1 (f j t)) (fun j => f j t));
      [ring|]. intros j L.
    rewrite is_eq_no by (apply not_INR; lia). unfold choose. destruct (Req_EM_T 0 0); easy.
Qed.
