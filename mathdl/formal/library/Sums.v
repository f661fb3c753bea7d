(* Finite sums over symbolic dims, and Kronecker's delta.

   A tensor is a function of its indices, nat -> ... -> R; sumf n f is f 0 + ... + f (n-1).  *)
From Coq Require Import Reals Lra Psatz Lia Arith PeanoNat.
Open Scope R_scope.

Fixpoint sumf (n : nat) (f : nat -> R) : R :=
  match n with O => 0 | S m => sumf m f + f m end.

Lemma sumf_ext n f g : (forall i, (i < n)%nat -> f i = g i) -> sumf n f = sumf n g.
Proof. induction n; intros H; simpl; [easy|]. rewrite IHn by auto. rewrite H by lia. easy. Qed.
Lemma sumf_plus n f g : sumf n (fun i => f i + g i) = sumf n f + sumf n g.
Proof. induction n; simpl; [ring | rewrite IHn; ring]. Qed.
Lemma sumf_opp n f : sumf n (fun i => - f i) = - sumf n f.
Proof. induction n; simpl; [ring | rewrite IHn; ring]. Qed.
Lemma sumf_scal n c f : sumf n (fun i => c * f i) = c * sumf n f.
Proof. induction n; simpl; [ring | rewrite IHn; ring]. Qed.
Lemma sumf_0 n : sumf n (fun _ => 0) = 0.
Proof. induction n; simpl; [easy | rewrite IHn; ring]. Qed.
Lemma sumf_zero n f : (forall i, (i < n)%nat -> f i = 0) -> sumf n f = 0.
Proof. intros H. rewrite (sumf_ext n f (fun _ => 0) H). apply sumf_0. Qed.
Lemma sumf_const n c : sumf n (fun _ => c) = INR n * c.
Proof. induction n. simpl; ring. rewrite S_INR. simpl. rewrite IHn. ring. Qed.
Lemma sumf_one n : sumf n (fun _ => 1) = INR n.
Proof. rewrite sumf_const. ring. Qed.
Lemma sumf_swap n m (f : nat -> nat -> R) :
  sumf n (fun i => sumf m (fun j => f i j)) = sumf m (fun j => sumf n (fun i => f i j)).
Proof. induction n; simpl; [now rewrite sumf_0 | rewrite IHn, <- sumf_plus; easy]. Qed.
Lemma sumf_pos n f : (0 < n)%nat -> (forall i, (i < n)%nat -> 0 < f i) -> 0 < sumf n f.
Proof.
  intros H; destruct n; [lia|]. clear H. induction n; intros H; simpl.
  - rewrite Rplus_0_l. apply H; lia.
  - apply Rplus_lt_0_compat; [apply IHn; intros; apply H; lia | apply H; lia].
Qed.
Lemma sumf_nonneg n f : (forall i, (i < n)%nat -> 0 <= f i) -> 0 <= sumf n f.
Proof. induction n; intros H; simpl; [lra|]. apply Rplus_le_le_0_compat; auto. Qed.

(* One linear step: sum_i b(i) = c * sum_i m(i) when b(i) = c * m(i), and the same for terms. *)
Lemma sumf_term n c b m : (forall i, (i < n)%nat -> b i = c * m i) -> sumf n b = c * sumf n m.
Proof. intros H. rewrite <- sumf_scal. now apply sumf_ext. Qed.
Lemma sumf_split n b f g r s :
  (forall i, (i < n)%nat -> b i = f i + g i) -> sumf n f = r -> sumf n g = s -> sumf n b = r + s.
Proof. intros H <- <-. rewrite <- sumf_plus. now apply sumf_ext. Qed.
Lemma sumf_free n c b : (forall i, (i < n)%nat -> b i = c) -> sumf n b = c * INR n.
Proof. intros H. rewrite (sumf_ext n b (fun _ => c)) by easy. rewrite sumf_const. ring. Qed.

Lemma sumf_single f : sumf 1 f = f 0%nat.
Proof. simpl. ring. Qed.

Definition delta (i j : nat) : R := if Nat.eqb i j then 1 else 0.
Lemma delta_refl i : delta i i = 1.
Proof. unfold delta. now rewrite Nat.eqb_refl. Qed.
Lemma delta_sym i j : delta i j = delta j i.
Proof. unfold delta. now rewrite Nat.eqb_sym. Qed.
Lemma delta_neq i j : i <> j -> delta i j = 0.
Proof. intros H. unfold delta. destruct (Nat.eqb_spec i j); [lia|easy]. Qed.
Lemma delta_yes i j : i = j -> delta i j = 1.
Proof. intros ->. apply delta_refl. Qed.
Lemma delta_same i j k l : (i = j <-> k = l) -> delta i j = delta k l.
Proof.
  intros H. unfold delta. destruct (Nat.eqb_spec i j), (Nat.eqb_spec k l); tauto.
Qed.
Lemma sumf_delta n k f : (k < n)%nat -> sumf n (fun i => delta i k * f i) = f k.
Proof.
  intros H. induction n; [lia|]. simpl. destruct (Nat.eq_dec k n) as [->|N].
  - rewrite delta_refl, (sumf_ext n _ (fun _ => 0)), sumf_0; [ring|].
    intros i Hi. rewrite delta_neq by lia. ring.
  - rewrite IHn by lia. rewrite delta_neq by lia. ring.
Qed.
(* The contraction sum_i b(i) = f(k) when b(i) = delta(i, k) f(i). *)
Lemma sumf_contract n k b f :
  (k < n)%nat -> (forall i, (i < n)%nat -> b i = delta i k * f i) -> sumf n b = f k.
Proof. intros H E. rewrite (sumf_ext n b _ E). now apply sumf_delta. Qed.

(* What lies outside of k, ..., k+m-1 is zero. *)
Lemma sumf_within n k m f :
  (k + m <= n)%nat -> (forall i, (i < n)%nat -> (i < k \/ k + m <= i)%nat -> f i = 0) ->
  sumf n f = sumf m (fun i => f (k + i)%nat).
Proof.
  revert m. induction n; intros m L Z.
  - replace m with 0%nat by lia. easy.
  - destruct (Nat.eq_dec (k + m) (S n)) as [E|N].
    + destruct m as [|m]; simpl.
      * rewrite (sumf_zero n), Z by (lia || (intros; apply Z; lia)). ring.
      * rewrite (IHn m) by (lia || (intros; apply Z; lia)). now replace (k + m)%nat with n by lia.
    + simpl. rewrite (IHn m), (Z n) by (lia || (intros; apply Z; lia)). ring.
Qed.

(* The greatest and the least of f 0, ..., f (n-1). *)
Fixpoint maxf (n : nat) (f : nat -> R) : R :=
  match n with O => 0 | S O => f O | S m => Rmax (maxf m f) (f m) end.
Fixpoint minf (n : nat) (f : nat -> R) : R :=
  match n with O => 0 | S O => f O | S m => Rmin (minf m f) (f m) end.
Fixpoint prodf (n : nat) (f : nat -> R) : R :=
  match n with O => 1 | S m => prodf m f * f m end.

(* ---- time ---- *)
Lemma upwards (P : nat -> Prop) n :
  P 0%nat -> (forall t, (t < n)%nat -> P t -> P (1 + t)%nat) -> forall t, (t <= n)%nat -> P t.
Proof. intros Z H t. induction t; intros; [exact Z|]. apply H; [lia|]. apply IHt; lia. Qed.
Lemma downwards (P : nat -> Prop) n :
  P n -> (forall t, (t < n)%nat -> P (1 + t)%nat -> P t) -> forall t, (t <= n)%nat -> P t.
Proof.
  intros Z H t L. replace t with (n - (n - t))%nat by lia. assert (n - t <= n)%nat as K by lia.
  revert K. generalize (n - t)%nat. intros k. induction k; intros; [now rewrite Nat.sub_0_r|].
  apply H; [lia|]. replace (1 + (n - S k))%nat with (n - k)%nat by lia. apply IHk; lia.
Qed.
(* What is given to f and taken from it step by step. *)
Lemma telescope_down n (f e c : nat -> R) :
  (forall t, (t < n)%nat -> f (1 + t)%nat + e t = f t + c t) ->
  f n + sumf n e = f 0%nat + sumf n c.
Proof.
  induction n; intros H; simpl; [ring|]. assert (K := H n (Nat.lt_succ_diag_r n)). simpl in K.
  assert (I : f n + sumf n e = f 0%nat + sumf n c) by (apply IHn; intros; apply H; lia). lra.
Qed.
Lemma telescope_up n (f e c : nat -> R) :
  (forall t, (t < n)%nat -> f t + e t = f (1 + t)%nat + c t) ->
  f 0%nat + sumf n e = f n + sumf n c.
Proof.
  intros H. enough (f n + sumf n c = f 0%nat + sumf n e) by easy.
  apply telescope_down. intros t L. now rewrite H.
Qed.
