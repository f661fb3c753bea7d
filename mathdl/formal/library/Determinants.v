(* The determinant of the entries with indices below n: the only alternating form that is 1 at
   the identity.  *)
From Coq Require Import Reals Lra Lia Arith PeanoNat FinFun Classical_Prop.
From Mathdl Require Import Sums.
Open Scope R_scope.

Notation matrix := (nat -> nat -> R).
(* The index that is in place r when i is left out, and the place of an index. *)
Definition skip (i r : nat) : nat := if Nat.ltb r i then r else S r.
Definition place (i k : nat) : nat := if Nat.ltb k i then k else pred k.
Ltac cases := unfold skip, place; repeat match goal with
  | |- context [Nat.ltb ?a ?b] => destruct (Nat.ltb_spec a b)
  | |- context [Nat.eqb ?a ?b] => destruct (Nat.eqb_spec a b) end.

(* Laplace's expansion along the first column. *)
Definition minor (i : nat) (A : matrix) : matrix := fun r c => A (skip i r) (S c).
Fixpoint det (n : nat) (A : matrix) : R :=
  match n with
  | O => 1
  | S m => sumf (S m) (fun i => (-1) ^ i * A i O * det m (minor i A))
  end.
Definition with_row (k : nat) (v : nat -> R) (A : matrix) : matrix :=
  fun i j => if Nat.eqb i k then v j else A i j.
Definition same (n : nat) (A B : matrix) :=
  forall i j, (i < n)%nat -> (j < n)%nat -> A i j = B i j.

Lemma sumf_skip n i f : (i <= n)%nat -> sumf (S n) f = f i + sumf n (fun r => f (skip i r)).
Proof.
  induction n; intros H.
  - replace i with O by lia. simpl. ring.
  - destruct (Nat.eq_dec i (S n)) as [->|N].
    + simpl. rewrite (sumf_ext n (fun r => f (skip (S n) r)) f).
      * replace (skip (S n) n) with n by (cases; lia). ring.
      * intros r Hr. f_equal. cases; lia.
    + change (sumf (S (S n)) f) with (sumf (S n) f + f (S n)). rewrite IHn by lia.
      simpl. replace (skip i n) with (S n) by (cases; lia). ring.
Qed.

(* ---- functions of n rows, linear in each and zero where two of them are equal ---- *)
Section Alternating.
Variable n : nat.
Variable F : matrix -> R.
Hypothesis ext : forall A B, same n A B -> F A = F B.
Hypothesis linear : forall k A a u v, (k < n)%nat ->
  F (with_row k (fun j => a * u j + v j) A) = a * F (with_row k u A) + F (with_row k v A).
Hypothesis adjacent : forall A k, (S k < n)%nat ->
  (forall j, (j < n)%nat -> A k j = A (S k) j) -> F A = 0.

Ltac entrywise := apply ext; intros ? ? ? ?; unfold with_row; cases; subst; try lia; auto.

Lemma row_plus k A u v : (k < n)%nat ->
  F (with_row k (fun j => u j + v j) A) = F (with_row k u A) + F (with_row k v A).
Proof.
  intros H. rewrite <- (Rmult_1_l (F (with_row k u A))), <- linear by easy.
  entrywise. ring.
Qed.
Lemma row_zero k A : (k < n)%nat -> F (with_row k (fun _ => 0) A) = 0.
Proof.
  intros H. pose proof (linear k A (-1) (fun _ => 0) (fun _ => 0) H) as E.
  transitivity (-1 * F (with_row k (fun _ => 0) A) + F (with_row k (fun _ => 0) A)); [|ring].
  rewrite <- E. entrywise. ring.
Qed.
Lemma row_sum k A m (c : nat -> R) (U : matrix) : (k < n)%nat ->
  F (with_row k (fun j => sumf m (fun i => c i * U i j)) A)
  = sumf m (fun i => c i * F (with_row k (U i) A)).
Proof.
  intros H. induction m; simpl; [now apply row_zero|].
  rewrite <- IHm, Rplus_comm, <- linear by easy. entrywise. ring.
Qed.
Lemma row_swap k l A u v : (k < n)%nat -> (l < n)%nat -> k <> l ->
  (forall x, F (with_row k x (with_row l x A)) = 0) ->
  F (with_row k u (with_row l v A)) = - F (with_row k v (with_row l u A)).
Proof.
  intros Hk Hl N Z. set (G x y := F (with_row k x (with_row l y A))).
  change (forall x, G x x = 0) in Z. change (G u v = - G v u).
  assert (P : forall x y z, G (fun j => x j + y j) z = G x z + G y z).
  { intros. unfold G. now apply row_plus. }
  assert (Q : forall x y z, G z (fun j => x j + y j) = G z x + G z y).
  { intros x y z.
    assert (E : forall w, G z w = F (with_row l w (with_row k z A))) by (intros; unfold G; entrywise).
    rewrite !E. now apply row_plus. }
  pose proof (Z (fun j => u j + v j)) as E. rewrite P, !Q, !Z in E. lra.
Qed.
Lemma alternating d : forall A p, (S (p + d) < n)%nat ->
  (forall j, (j < n)%nat -> A p j = A (S (p + d)) j) -> F A = 0.
Proof.
  induction d; intros A p H E.
  - apply (adjacent A p); [lia|]. intros j Hj. rewrite E by easy. f_equal. lia.
  - set (q := (p + d)%nat). replace (S (p + S d)) with (S (S q)) in * by lia.
    transitivity (F (with_row (S q) (A (S q)) (with_row (S (S q)) (A (S (S q))) A))); [entrywise|].
    rewrite row_swap; [rewrite (IHd _ p); [ring | lia |] | lia | lia | lia |].
    + intros j Hj. unfold with_row. cases; try lia. now apply E.
    + intros x. apply (adjacent _ (S q)); [lia|]. intros j _. unfold with_row. cases; lia || easy.
Qed.
Lemma equal_rows A p q : (p < n)%nat -> (q < n)%nat -> p <> q ->
  (forall j, (j < n)%nat -> A p j = A q j) -> F A = 0.
Proof.
  intros Hp Hq N E. destruct (Nat.lt_ge_cases p q) as [L|L].
  - apply (alternating (q - p - 1) A p); [lia|]. intros j Hj. rewrite E by easy. f_equal. lia.
  - apply (alternating (p - q - 1) A q); [lia|]. intros j Hj. rewrite <- E by easy. f_equal. lia.
Qed.
Lemma row_entries k A v : (k < n)%nat ->
  F (with_row k v A) = sumf n (fun j => v j * F (with_row k (fun l => delta l j) A)).
Proof.
  intros H. rewrite <- row_sum by easy. entrywise.
  rewrite (sumf_contract n j _ v); [easy | easy |].
  intros i _. rewrite delta_sym. ring.
Qed.
Lemma cramer A i k : (i < n)%nat -> (k < n)%nat ->
  sumf n (fun j => A i j * F (with_row k (fun l => delta l j) A)) = delta i k * F A.
Proof.
  intros Hi Hk. rewrite <- row_entries by easy. destruct (Nat.eq_dec i k) as [->|N].
  - rewrite delta_refl, Rmult_1_l. entrywise.
  - rewrite delta_neq, Rmult_0_l by easy. apply (equal_rows _ i k); try easy.
    intros j Hj. unfold with_row. cases; lia || easy.
Qed.
(* What is zero at the identity is zero. *)
Lemma zero_of_basis m : F delta = 0 -> forall f, (forall i, (i < n)%nat -> (f i < n)%nat) ->
  (forall i, (i < n - m)%nat -> f i = i) -> F (fun i j => delta (f i) j) = 0.
Proof.
  intros Z. induction m; intros f range fixed.
  - rewrite <- Z. apply ext. intros i j Hi Hj. now rewrite fixed by lia.
  - set (p := (n - S m)%nat). destruct (Nat.le_gt_cases n m) as [L|L].
    { apply IHm; [easy|]. intros; lia. }
    destruct (classic (exists i j, (i < n)%nat /\ (j < n)%nat /\ i <> j /\ f i = f j))
      as [(i & j & Hi & Hj & N & E)|C].
    { apply (equal_rows _ i j); try easy. intros; now rewrite E. }
    assert (I : bInjective n f).
    { intros i j Hi Hj E. destruct (Nat.eq_dec i j) as [|N]; [easy|]. exfalso. apply C. now exists i, j. }
    destruct (proj1 (bInjective_bSurjective range) I p ltac:(lia)) as (j & Hj & E).
    destruct (Nat.eq_dec j p) as [->|N].
    { apply IHm; [easy|]. intros i Hi. destruct (Nat.eq_dec i p) as [->|]; [easy|]. apply fixed. lia. }
    assert (p < j)%nat.
    { destruct (Nat.lt_ge_cases j p) as [K|K]; [|lia]. rewrite (fixed j) in E by lia. lia. }
    transitivity (F (with_row p (delta (f p)) (with_row j (delta p) (fun i j => delta (f i) j)))).
    { entrywise. }
    rewrite row_swap; try lia.
    + rewrite (ext _ (fun i l => delta (if Nat.eqb i p then p else if Nat.eqb i j then f p else f i) l)).
      * rewrite IHm; [apply Ropp_0 | |]; intros i Hi; cases; try lia; subst; apply range || apply fixed; lia.
      * intros i l _ _. unfold with_row. cases; easy.
    + intros x. apply (equal_rows _ p j); try lia. intros l _. unfold with_row. cases; lia || easy.
Qed.
Lemma zero_everywhere m : F delta = 0 -> (m <= n)%nat -> forall M f, (forall i, (i < n)%nat -> (f i < n)%nat) ->
  F (fun i j => if Nat.ltb i m then M i j else delta (f i) j) = 0.
Proof.
  intros Z. induction m; intros H M f range.
  - apply (zero_of_basis n Z f range). intros; lia.
  - set (B := fun i j => if Nat.ltb i m then M i j else delta (f i) j).
    rewrite (ext _ (with_row m (M m) B)).
    2: { intros i j _ _. unfold with_row, B. cases; try lia; now subst. }
    rewrite row_entries by lia. apply sumf_zero. intros c Hc.
    rewrite (ext _ (fun i j => if Nat.ltb i m then M i j
      else delta (if Nat.eqb i m then c else f i) j)).
    + rewrite IHm; [ring | lia |]. intros i Hi. cases; auto.
    + intros i j _ _. unfold with_row, B. cases; try lia; try easy. apply delta_sym.
Qed.
Lemma zero_at_identity M : F delta = 0 -> F M = 0.
Proof.
  intros Z. rewrite <- (zero_everywhere n Z (le_n n) M (fun i => i)) by easy.
  apply ext. intros i j Hi Hj. cases; lia || easy.
Qed.
End Alternating.

(* ---- the determinant is such a function of its rows ---- *)
Lemma det_ext n : forall A B, same n A B -> det n A = det n B.
Proof.
  induction n; intros A B H; [easy|]. cbn [det]. apply sumf_ext. intros i Hi.
  rewrite H by lia. f_equal. apply IHn. intros r c Hr Hc. apply H; cases; lia.
Qed.
Lemma minor_row i k v A r c : i <> k ->
  minor i (with_row k v A) r c = with_row (place i k) (fun c => v (S c)) (minor i A) r c.
Proof. intros N. unfold minor, with_row. cases; lia || easy. Qed.
Lemma minor_row_same i v A r c : minor i (with_row i v A) r c = minor i A r c.
Proof. unfold minor, with_row. cases; lia || easy. Qed.

Lemma det_linear n : forall k A a u v, (k < n)%nat ->
  det n (with_row k (fun j => a * u j + v j) A) = a * det n (with_row k u A) + det n (with_row k v A).
Proof.
  induction n; intros k A a u v H; [lia|]. cbn [det]. rewrite <- sumf_scal, <- sumf_plus.
  apply sumf_ext. intros i Hi. destruct (Nat.eq_dec i k) as [->|N].
  - assert (E : forall w, det n (minor k (with_row k w A)) = det n (minor k A)).
    { intros w. apply det_ext. intros ? ? _ _. apply minor_row_same. }
    rewrite !E. unfold with_row. rewrite Nat.eqb_refl. ring.
  - assert (E : forall w, det n (minor i (with_row k w A))
      = det n (with_row (place i k) (fun c => w (S c)) (minor i A))).
    { intros w. apply det_ext. intros ? ? _ _. now apply minor_row. }
    rewrite !E, (IHn (place i k) (minor i A) a) by (cases; lia).
    assert (Z : forall w, with_row k w A i O = A i O) by (intros; unfold with_row; cases; lia || easy).
    rewrite !Z. ring.
Qed.
Lemma det_adjacent n : forall A k, (S k < n)%nat ->
  (forall j, (j < n)%nat -> A k j = A (S k) j) -> det n A = 0.
Proof.
  induction n; intros A k H E; [lia|]. cbn [det].
  set (f i := (-1) ^ i * A i O * det n (minor i A)).
  rewrite (sumf_ext (S n) f (fun i => delta i k * f k + delta i (S k) * f (S k))).
  - rewrite sumf_plus.
    rewrite (sumf_delta (S n) k (fun _ => f k)), (sumf_delta (S n) (S k) (fun _ => f (S k))) by lia.
    unfold f. rewrite (E O) by lia. rewrite (det_ext n (minor k A) (minor (S k) A)).
    + simpl. ring.
    + intros r c Hr Hc. unfold minor. cases; try lia; try easy.
      * replace (S r) with (S k) by lia. replace r with k by lia. symmetry. apply E. lia.
  - intros i Hi. unfold f. destruct (Nat.eq_dec i k) as [->|N]; [|destruct (Nat.eq_dec i (S k)) as [->|M]].
    + rewrite delta_refl, (delta_neq k (S k)) by lia. ring.
    + rewrite delta_refl, (delta_neq (S k) k) by lia. ring.
    + rewrite !delta_neq by lia. rewrite (IHn (minor i A) (place i k)).
      * ring.
      * cases; lia.
      * intros j Hj. unfold minor.
        replace (skip i (place i k)) with k by (cases; lia).
        replace (skip i (S (place i k))) with (S k) by (cases; lia). apply E. lia.
Qed.

(* ---- and of its columns ---- *)
Definition turned (A : matrix) : matrix := fun i j => A j i.
Lemma turned_ext n A B : same n A B -> det n (turned A) = det n (turned B).
Proof. intros H. apply det_ext. intros i j Hi Hj. unfold turned. auto. Qed.
Lemma turned_linear n : forall k A a u v, (k < n)%nat ->
  det n (turned (with_row k (fun j => a * u j + v j) A))
  = a * det n (turned (with_row k u A)) + det n (turned (with_row k v A)).
Proof.
  induction n; intros k A a u v H; [lia|]. cbn [det]. rewrite <- sumf_scal, <- sumf_plus.
  apply sumf_ext. intros i Hi. destruct k as [|k].
  - assert (E : forall w, det n (minor i (turned (with_row O w A))) = det n (minor i (turned A))).
    { intros w. apply det_ext. now intros ? ? _ _. }
    rewrite !E. unfold turned, with_row. simpl. ring.
  - assert (E : forall w, det n (minor i (turned (with_row (S k) w A)))
      = det n (turned (with_row k (fun r => w (skip i r)) (turned (minor i (turned A)))))).
    { intros w. apply det_ext. now intros ? ? _ _. }
    assert (Z : forall w, turned (with_row (S k) w A) i O = A O i) by easy.
    rewrite !E, !Z, (IHn k _ a (fun r => u (skip i r)) (fun r => v (skip i r))) by lia. ring.
Qed.
Lemma turned_adjacent n : forall A k, (S k < n)%nat ->
  (forall j, (j < n)%nat -> A k j = A (S k) j) -> det n (turned A) = 0.
Proof.
  induction n; intros A k H E; [lia|]. destruct k as [|k].
  - destruct n as [|m]; [lia|]. clear IHn. set (B := turned A).
    set (K i q := if Nat.eqb q i then 0 else
      (-1) ^ i * (-1) ^ place i q * (A O i * A O q) * det m (minor (place i q) (minor i B))).
    assert (half : forall i q, (i < q)%nat -> K i q = - K q i).
    { intros i q L. unfold K. cases; try lia.
      rewrite (det_ext m (minor (pred q) (minor i B)) (minor i (minor q B))).
      - assert (P : (-1) ^ q = -1 * (-1) ^ pred q) by (destruct q; [lia|easy]).
        rewrite P. ring.
      - intros r c Hr Hc. unfold minor. f_equal. cases; lia. }
    assert (anti : forall i q, K i q = - K q i).
    { intros i q. destruct (Nat.lt_trichotomy i q) as [L|[->|L]].
      - now apply half.
      - unfold K. rewrite Nat.eqb_refl. ring.
      - rewrite (half q i L). ring. }
    assert (T : det (S (S m)) B = sumf (S (S m)) (fun i => sumf (S (S m)) (fun q => K i q))).
    { change (det (S (S m)) B)
        with (sumf (S (S m)) (fun i => (-1) ^ i * B i O * det (S m) (minor i B))).
      apply sumf_ext. intros i Hi.
      change (det (S m) (minor i B)) with
        (sumf (S m) (fun r => (-1) ^ r * minor i B r O * det m (minor r (minor i B)))).
      rewrite <- sumf_scal.
      rewrite (sumf_skip (S m) i) by lia. unfold K at 1. rewrite Nat.eqb_refl, Rplus_0_l.
      apply sumf_ext. intros r Hr. unfold K.
      replace (Nat.eqb (skip i r) i) with false by (cases; lia || easy).
      replace (place i (skip i r)) with r by (cases; lia).
      unfold minor at 1. unfold B at 1 2, turned at 1 2. rewrite (E (skip i r)) by (cases; lia).
      ring. }
    assert (N : det (S (S m)) B = - det (S (S m)) B).
    { rewrite T at 1. rewrite sumf_swap, T, <- sumf_opp. apply sumf_ext. intros i Hi.
      rewrite <- sumf_opp. apply sumf_ext. intros q Hq. apply anti. }
    lra.
  - cbn [det]. apply sumf_zero. intros i Hi.
    replace (det n (minor i (turned A))) with 0; [ring|]. symmetry.
    change (minor i (turned A)) with (turned (turned (minor i (turned A)))).
    apply (IHn _ k); [lia|]. intros j Hj. unfold minor, turned. apply E. cases; lia.
Qed.

(* ---- it is the only such function that is 1 at the identity ---- *)
Lemma det_delta n : det n delta = 1.
Proof.
  induction n; [easy|]. cbn [det]. rewrite (sumf_skip n O) by lia.
  rewrite delta_refl, sumf_zero.
  - rewrite (det_ext n (minor O delta) delta); [rewrite IHn; simpl; ring|].
    now intros i j _ _.
  - intros r _. rewrite delta_neq; [ring | cases; lia].
Qed.
Lemma det_unique n F M :
  (forall A B, same n A B -> F A = F B) ->
  (forall k A a u v, (k < n)%nat ->
    F (with_row k (fun j => a * u j + v j) A) = a * F (with_row k u A) + F (with_row k v A)) ->
  (forall A k, (S k < n)%nat -> (forall j, (j < n)%nat -> A k j = A (S k) j) -> F A = 0) ->
  F M = det n M * F delta.
Proof.
  intros ext linear adjacent. apply Rminus_diag_uniq.
  apply (zero_at_identity n (fun M => F M - det n M * F delta)).
  - intros A B H. now rewrite (ext A B H), (det_ext n A B H).
  - intros k A a u v H. rewrite linear, det_linear by easy. ring.
  - intros A k H E. rewrite (adjacent A k H E), (det_adjacent n A k H E). ring.
  - rewrite det_delta. ring.
Qed.
Lemma det_turned n A : det n (turned A) = det n A.
Proof.
  rewrite (det_unique n (fun A => det n (turned A)) A (turned_ext n) (turned_linear n)
    (turned_adjacent n)).
  rewrite (det_ext n (turned delta) delta), det_delta; [ring|].
  intros i j _ _. apply delta_sym.
Qed.
Definition product (n : nat) (A B : matrix) : matrix := fun i j => sumf n (fun k => A i k * B k j).
Lemma product_ext n A B C D : same n A C -> same n B D -> same n (product n A B) (product n C D).
Proof. intros H K i j Hi Hj. apply sumf_ext. intros k Hk. now rewrite H, K. Qed.
Lemma product_delta n A : same n (product n A delta) A.
Proof.
  intros i j Hi Hj. apply (sumf_contract n j _ (fun k => A i k) Hj). intros k _. ring.
Qed.
Lemma delta_product n A : same n (product n delta A) A.
Proof.
  intros i j Hi Hj. apply (sumf_contract n i _ (fun k => A k j) Hi). intros k _.
  rewrite delta_sym. ring.
Qed.
Lemma product_row n k w A B i j :
  product n (with_row k w A) B i j
  = with_row k (fun j => sumf n (fun l => w l * B l j)) (product n A B) i j.
Proof. unfold product, with_row. now destruct (Nat.eqb i k). Qed.
Lemma det_product n A B : det n (product n A B) = det n A * det n B.
Proof.
  rewrite (det_unique n (fun A => det n (product n A B)) A).
  - f_equal. apply det_ext, delta_product.
  - intros C D H. apply det_ext, product_ext; [easy|]. now intros ? ? _ _.
  - intros k C a u v H.
    rewrite !(det_ext n _ _ (fun i j _ _ => product_row n k _ C B i j)), <- det_linear by easy.
    apply det_ext. intros i j _ _. unfold with_row. destruct (Nat.eqb i k); [|easy].
    rewrite <- sumf_scal, <- sumf_plus. apply sumf_ext. intros; ring.
  - intros C k H E. apply (det_adjacent n _ k H). intros j Hj. apply sumf_ext. intros l Hl.
    now rewrite E.
Qed.
