(* What certificates are closed by: signs, derivatives along a curve, and algebra.  *)
From Coq Require Import ZArith Reals Lra Psatz Lia.
From Coquelicot Require Import Coquelicot.
From Mathdl Require Export Sums Derivatives Primitives Functions Scalars Extremes Determinants
  Matrices Cholesky.
Open Scope R_scope.

(* ---- signs; signs-hints are what the certificate has shown of its quantities ---- *)
Global Hint Extern 3 (Peano.lt _ _) => lia : signs.
Lemma INR_pos n : (0 < n)%nat -> 0 < INR n.
Proof. apply lt_0_INR. Qed.
Create HintDb ranges.
Global Hint Extern 1 (Peano.lt _ _) => lia : ranges.
Ltac range := solve [assumption | lia | auto 2 with ranges nocore].
Ltac known := solve [assumption | lra | eauto 4 with signs].
Ltac pos := first
  [ known
  | lazymatch goal with
    | |- 0 < INR _ => apply INR_pos; range
    | |- 0 < PI => exact PI_RGT_0
    | |- 0 < exp _ => apply exp_pos
    | |- 0 < Rpower _ _ => unfold Rpower; apply exp_pos
    | |- 0 < sqrt _ => apply sqrt_lt_R0; pos
    | |- 0 < / _ => apply Rinv_0_lt_compat; pos
    | |- 0 < _ / _ => apply Rdiv_lt_0_compat; pos
    | |- 0 < _ * _ => apply Rmult_lt_0_compat; pos
    | |- 0 < ?a ^ 2 => first [ apply pow_lt; pos | apply pow2_gt_0; nz ]
    | |- 0 < _ ^ _ => apply pow_lt; pos
    | |- 0 < sumf _ _ => apply sumf_pos; [range | intros; pos]
    | |- 0 < _ + _ => first [ apply Rplus_lt_0_compat; pos | apply Rplus_lt_le_0_compat; [pos | nonneg]
                            | apply Rplus_le_lt_0_compat; [nonneg | pos] ]
    end
  | nra ]
with nonneg := first
  [ known
  | lazymatch goal with
    | |- 0 <= Rabs _ => apply Rabs_pos
    | |- 0 <= sqrt _ => apply sqrt_pos
    | |- 0 <= ?a * ?a => apply Rle_0_sqr
    | |- 0 <= _ ^ 2 => apply pow2_ge_0
    | |- 0 <= _ ^ _ => apply pow_le; nonneg
    | |- 0 <= / _ => apply Rlt_le, Rinv_0_lt_compat; pos
    | |- 0 <= sumf _ _ => apply sumf_nonneg; intros; nonneg
    | |- 0 <= _ / _ => apply Rmult_le_pos; [nonneg | left; apply Rinv_0_lt_compat; pos]
    | |- 0 <= _ * _ => apply Rmult_le_pos; nonneg
    | |- 0 <= _ + _ => apply Rplus_le_le_0_compat; nonneg
    end
  | left; pos
  | nra ]
with nz := first
  [ known
  | lazymatch goal with
    | |- _ ^ _ <> 0 => apply pow_nonzero; nz
    | |- _ * _ <> 0 => apply Rmult_integral_contrapositive_currified; nz
    | |- / _ <> 0 => apply Rinv_neq_0_compat; nz
    end
  | apply Rgt_not_eq; red; pos
  | apply Rlt_not_eq; lra ].
Ltac side := repeat split; first [ pos | nonneg | nz ].

(* ---- algebra ---- *)
Lemma exp_minus a b : exp (a - b) = exp a * / exp b.
Proof. unfold Rminus. now rewrite exp_plus, exp_Ropp. Qed.
Ltac open_exp := repeat rewrite ?exp_Ropp, ?exp_minus, ?exp_plus, ?exp_0.
Lemma exp_multiple p x : exp (IZR (Z.pos p) * x) = exp x ^ Pos.to_nat p.
Proof.
  rewrite <- positive_nat_Z, <- INR_IZR_INZ. induction (Pos.to_nat p) as [|n IH]; [simpl; now rewrite Rmult_0_l, exp_0|].
  rewrite S_INR, Rmult_plus_distr_r, Rmult_1_l, exp_plus, IH. simpl. ring.
Qed.
Lemma exp_negative_multiple p x : exp (IZR (Z.neg p) * x) = / (exp x ^ Pos.to_nat p).
Proof. rewrite <- exp_multiple, <- exp_Ropp. f_equal. change (Z.neg p) with (- Z.pos p)%Z. rewrite opp_IZR. ring. Qed.
Ltac powered p := let n := eval cbv in (Pos.to_nat p) in change (Pos.to_nat p) with n.
Ltac open_multiples := open_exp; repeat match goal with
  | |- context [exp (IZR (Z.pos ?p) * ?x)] => rewrite (exp_multiple p x); powered p
  | |- context [exp (IZR (Z.neg ?p) * ?x)] => rewrite (exp_negative_multiple p x); powered p
  | |- context [exp (?c * ?a * ?b)] => rewrite (Rmult_assoc c a b)
  end; open_exp.
(* algebra with the squares of one root or two *)
Ltac rooted := match goal with |- context [sqrt ?x] =>
  let E := fresh in assert (E : sqrt x ^ 2 = x) by (apply pow2_sqrt; nonneg);
  first [ solve [ring [E]] | solve [field [E]; side]
    | match goal with |- context [sqrt ?y] =>
        lazymatch y with x => fail | _ => idtac end;
        let F := fresh in assert (F : sqrt y ^ 2 = y) by (apply pow2_sqrt; nonneg);
        first [ solve [ring [E F]] | solve [field [E F]; side] ] end ] end.
(* equal arguments of one function are made the same *)
Ltac unify_arguments := repeat match goal with
  | |- context [?f ?u] =>
      lazymatch type of f with R -> R => idtac end;
      lazymatch f with Ropp => fail | Rinv => fail | _ => first [is_const f | is_var f] end;
      match goal with |- context [f ?v] =>
        lazymatch v with u => fail | _ => idtac end;
        let H := fresh in
        assert (H : f v = f u) by (apply f_equal; first [ring | solve [field; side] | rooted]);
        rewrite H; clear H end
  end.
(* the square of a root *)
Ltac open_roots := repeat match goal with
  | |- context [sqrt ?x] =>
      let s := fresh "root" in let P := fresh "pos" in let E := fresh "square" in
      try assert (P : 0 < sqrt x) by pos;
      assert (E : x = sqrt x * sqrt x) by (symmetry; apply sqrt_sqrt; nonneg);
      set (s := sqrt x) in *; clearbody s; try rewrite E; clear E
  end.
(* a tangent and sigmoids of twice its argument *)
Ltac by_sigmoid := rewrite !tanh_sigmoid;
  repeat match goal with |- context [sigmoid (2 * ?u)] =>
    match goal with |- context [sigmoid ?v] =>
      lazymatch v with 2 * u => fail | _ => idtac end;
      replace (sigmoid v) with (sigmoid (2 * u)) by (apply f_equal; unfold Rdiv; ring) end end;
  repeat match goal with |- context [sigmoid ?u] => generalize (sigmoid u); intro end;
  let P := fresh in let E := fresh in let F := fresh in
  assert (P : 0 < sqrt PI) by pos;
  assert (E : PI = sqrt PI ^ 2) by (symmetry; apply pow2_sqrt; nonneg);
  assert (F : sqrt 2 ^ 2 = 2) by (apply pow2_sqrt; lra);
  let p := fresh in set (p := sqrt PI) in *; clearbody p;
  let s := fresh in set (s := sqrt 2) in *; clearbody s;
  rewrite ?E; first [ring [F] | field [F]; side].
(* deltas and indices: what is equal, and what never is *)
Ltac reindex := repeat match goal with
  | |- context [delta ?a ?b] => first [rewrite (delta_yes a b) by lia | rewrite (delta_neq a b) by lia]
  | |- context [delta ?a ?b] => match goal with |- context [delta ?c ?d] =>
      lazymatch constr:((c, d)) with (a, b) => fail | _ => idtac end;
      replace (delta a b) with (delta c d) by (apply delta_same; lia) end
  | |- context [?f ?a] =>
      lazymatch a with (_ + _)%nat => idtac | (_ - _)%nat => idtac end;
      match goal with |- context [f ?b] =>
        lazymatch b with a => fail | _ => idtac end;
        replace (f a) with (f b) by (apply f_equal; lia) end
  end.
Ltac linear := first [ ring | unfold Rdiv; ring | field; side ].
(* numerals among the lengths *)
Ltac numerals := repeat match goal with
  | |- context [INR ?n] =>
      lazymatch eval compute in (Z.of_nat n) with
      | Zpos ?p => replace (INR n) with (IZR (Zpos p)) by (rewrite INR_IZR_INZ; reflexivity)
      end
  | |- context [IZR (Zpos ?p) + IZR (Zpos ?q)] =>
      let s := eval compute in (Pos.add p q) in
      replace (IZR (Zpos p) + IZR (Zpos q)) with (IZR (Zpos s)) by (rewrite <- plus_IZR; reflexivity)
  end.
(* the logarithm of a product *)
Ltac open_logs := unfold Rdiv; repeat first
  [ rewrite ln_exp | rewrite ln_1 | rewrite ln_mult by pos | rewrite ln_Rinv by pos
  | rewrite ln_pow by pos ].
(* logarithms in terms of one softplus *)
Ltac as_softplus := repeat first
  [ rewrite ln_sigmoid | rewrite ln_1_minus_sigmoid | rewrite ln_1_plus_tanh
  | rewrite ln_1_minus_tanh | rewrite ln_exp_plus_exp | rewrite ln_scaled by pos
  | rewrite log_sigmoid_softplus | rewrite softplus_opp ];
  unify_arguments;
  repeat match goal with |- context [softplus ?u] => match goal with |- context [softplus ?v] =>
    let H := fresh in assert (H : v = - u) by ring; rewrite H, softplus_opp; clear H end end.
Lemma Rpower_minus_1 x : 0 < x -> Rpower x (-1) = / x.
Proof. intros. replace (-1) with (- (1)) by ring. now rewrite Rpower_Ropp, Rpower_1. Qed.
Lemma Rpower_minus x a b : Rpower x (a - b) = Rpower x a * / Rpower x b.
Proof. unfold Rminus. now rewrite Rpower_plus, Rpower_Ropp. Qed.
Ltac open_powers := repeat first
  [ rewrite Rpower_plus | rewrite Rpower_minus | rewrite Rpower_Ropp | rewrite Rpower_minus_1 by pos
  | rewrite Rpower_1 by pos ].
Lemma Rpower_complement x a b : 0 < x -> a + b = 1 -> Rpower x b = x * / Rpower x a.
Proof.
  intros H E. rewrite <- Rpower_Ropp. rewrite <- (Rpower_1 x H) at 2.
  rewrite <- Rpower_plus. f_equal. lra.
Qed.
Lemma Rpower_twice x a b : b = a + a -> Rpower x b = Rpower x a ^ 2.
Proof. intros ->. rewrite Rpower_plus. ring. Qed.
(* powers of one base with exponents that are equal, opposite, or otherwise related *)
Ltac unify_powers related := repeat match goal with
  | |- context [Rpower ?x ?a] => match goal with |- context [Rpower x ?b] =>
      lazymatch b with a => fail | _ => idtac end;
      first [ replace (Rpower x b) with (Rpower x a) by (apply f_equal; lra)
            | replace (Rpower x b) with (/ Rpower x a)
                by (rewrite <- Rpower_Ropp; apply f_equal; lra)
            | related x a b ] end end.
Ltac complement x a b := rewrite (Rpower_complement x a b) by (pos || lra).
Ltac twice x a b := rewrite (Rpower_twice x a b) by lra.
Ltac algebra := first
  [ ring
  | lazymatch goal with
    | |- context [Rdiv _ _] => first [ solve [unfold Rdiv; ring] | solve [field; side] ]
    | |- context [Rinv _] => solve [field; side]
    end ].
Ltac apart := cbv beta; first
  [ nz | solve [apply not_eq_sym; nz] | solve [apply Rminus_not_eq; nz]
  | solve [apply Rminus_not_eq_right; nz] ].
(* every case of every choice *)
Ltac choices := repeat match goal with
  | |- context [Rlt_dec ?a ?b] => try assert (a <> b) by apart; destruct (Rlt_dec a b)
  | |- context [Req_EM_T ?a ?b] => destruct (Req_EM_T a b)
  | |- context [Rabs ?a] => unfold Rabs; destruct (Rcase_abs a)
  end.
Ltac impossible := exfalso; first
  [ lra | match goal with H : ?a <> ?b |- _ => apply H; lra end ].
Ltac close := cbv beta; try real_eq; cbn [Z.of_nat Pos.of_succ_nat Pos.succ]; numerals; first
  [ algebra
  | lazymatch goal with |- context [tanh _] =>
      lazymatch goal with |- context [sigmoid _] => solve [by_sigmoid] end end
  | lazymatch goal with
    | |- context [softplus _] => solve [as_softplus; algebra]
    | |- context [log_sigmoid _] => solve [as_softplus; algebra]
    end
  | solve [open_roots; algebra]
  | solve [open_exp; algebra]
  | lazymatch goal with |- context [exp (_ * _)] => solve [open_multiples; algebra] end
  | solve [open_scalars; open_exp; algebra]
  | solve [unify_arguments; algebra]
  | lazymatch goal with |- context [Rpower _ _] =>
      first [ solve [unify_powers complement; algebra] | solve [unify_powers twice; algebra]
            | solve [open_powers; algebra] ] end
  | solve [open_logs; algebra]
  | solve [open_scalars; open_logs; algebra]
  | solve [open_scalars; open_exp; open_logs; unify_arguments; algebra]
  | solve [open_scalars; unify_arguments; open_exp; first [algebra | rooted]]
  | solve [open_choices; choices; first [ algebra | impossible | lra ]]
  | solve [open_choices; open_scalars; choices; open_exp; first [ algebra | impossible | lra ]] ].

(* the same up to the order of factors, terms and the indices of deltas *)
Ltac inside := first
  [ reflexivity | ring | apply sumf_ext; intros; cbv beta; inside
  | lazymatch goal with
    | |- _ + _ = _ + _ => apply (f_equal2 Rplus); inside
    | |- _ * _ = _ * _ => apply (f_equal2 Rmult); inside
    | |- - _ = - _ => apply f_equal; inside
    end ].
Ltac matched := first
  [ reflexivity | f_equal; lia | apply delta_same; lia | linear | solve [reindex; linear]
  | apply sumf_ext; intros; cbv beta; matched
  | lazymatch goal with
    | |- _ + _ = _ + _ => apply (f_equal2 Rplus); matched
    | |- _ * _ = _ * _ => apply (f_equal2 Rmult); matched
    | |- - _ = - _ => apply f_equal; matched
    | |- ?f _ = ?f _ => apply f_equal; matched
    end ].
(* every case of every delta *)
Ltac by_deltas := repeat match goal with |- context [delta ?a ?b] =>
    let H := fresh in destruct (Nat.eq_dec a b) as [H|H];
    [rewrite (delta_yes a b H) | rewrite (delta_neq a b H)]; try (exfalso; lia) end;
  matched.
Ltac commuted := first
  [ reflexivity
  | solve [repeat (apply sumf_ext; intros);
           first [ring | unfold Rdiv; ring | rewrite delta_sym; try unfold Rdiv; ring]]
  | solve [inside]
  | close ].

(* ---- the derivative along a curve of what a certificate defines ---- *)
Global Hint Extern 1 (is_derive tan _ _) => (eapply is_derive_tan; side) : scalars.
Global Hint Extern 1 (is_derive asin _ _) => (eapply is_derive_asin; side) : scalars.
Global Hint Extern 1 (is_derive acos _ _) => (eapply is_derive_acos; side) : scalars.
Create HintDb curves.
Create HintDb still.
Ltac D := lazymatch goal with
  | |- is_derive (fun _ => ?c) _ _ => apply D_const
  | |- is_derive (fun t => t) _ _ => apply D_id
  | |- is_derive (fun t => sumf ?n (fun i => @?f i t)) _ _ => eapply (D_sum n f); intros; D
  | |- is_derive (fun t => maxf ?m (fun i => maxf ?n (fun j => @?f i j t))) _ _ =>
      eapply (D_maxf2 m n f); [cbv beta; known | intros; cbv beta; D]
  | |- is_derive (fun t => minf ?m (fun i => minf ?n (fun j => @?f i j t))) _ _ =>
      eapply (D_minf2 m n f); [cbv beta; known | intros; cbv beta; D]
  | |- is_derive (fun t => maxf ?n (fun i => @?f i t)) _ _ =>
      eapply (D_maxf n f); [cbv beta; known | intros; cbv beta; D]
  | |- is_derive (fun t => minf ?n (fun i => @?f i t)) _ _ =>
      eapply (D_minf n f); [cbv beta; known | intros; cbv beta; D]
  | |- is_derive (fun t => prodf ?n (fun i => @?f i t)) _ _ =>
      eapply (D_prodf n f); intros; cbv beta; D
  | |- is_derive (fun t => @?f t + @?g t) _ _ => eapply (D_plus f g); [D | D]
  | |- is_derive (fun t => @?f t - @?g t) _ _ => eapply (D_minus f g); [D | D]
  | |- is_derive (fun t => - @?f t) _ _ => eapply (D_opp f); D
  | |- is_derive (fun t => @?f t * @?g t) _ _ =>
      lazymatch f with fun _ => ?c => eapply (D_scal c g); D
      | _ => lazymatch g with fun _ => ?c => eapply (D_scalr c f); D
             | _ => eapply (D_mult f g); [D | D] end end
  | |- is_derive (fun t => @?f t / @?g t) _ _ =>
      lazymatch g with fun _ => ?c => eapply (D_scalr (/ c) f); D
      | _ => eapply (D_div f g); [side | D | D] end
  | |- is_derive (fun t => / @?g t) _ _ => eapply (D_inv g); [side | D]
  | |- is_derive (fun t => @?f t ^ S ?n) _ _ => eapply (D_pow f n); D
  | |- is_derive (fun t => exp (@?f t)) _ _ => eapply (D_exp f); D
  | |- is_derive (fun t => ln (@?f t)) _ _ => eapply (D_ln f); [side | D]
  | |- is_derive (fun t => sqrt (@?f t)) _ _ => eapply (D_sqrt f); [side | D]
  | |- is_derive (fun t => Rpower (@?f t) (@?g t)) _ _ =>
      lazymatch f with
      | fun _ => ?a => eapply (D_Rpower_base a g); D
      | _ => lazymatch g with
          | fun _ => ?a => eapply (D_Rpower a f); [side | D]
          | _ => eapply (D_Rpower_both f g); [side | D | D] end end
  | |- is_derive (fun t => Rabs (@?f t)) _ _ => eapply (D_Rabs f); [side | D]
  | |- is_derive (fun t => if Rlt_dec (@?a t) (@?b t) then @?f t else @?g t) _ _ =>
      lazymatch a with
      | fun _ => ?c => lazymatch b with
          | fun _ => ?d => eapply (D_choice_const c d f g); [D | D]
          | _ => eapply (D_choice a b f g); [apart | D | D | D | D] end
      | _ => eapply (D_choice a b f g); [apart | D | D | D | D] end
  | |- is_derive (fun t => if Req_EM_T (@?a t) (@?b t) then @?f t else @?g t) _ _ =>
      lazymatch a with
      | fun _ => ?c => lazymatch b with
          | fun _ => ?d => eapply (D_same_const c d f g); [D | D]
          | _ => eapply (D_differ a b f g); [apart | D | D | D] end
      | _ => eapply (D_differ a b f g); [apart | D | D | D] end
  | |- is_derive (fun t => choose (@?c t) (@?f t) (@?g t)) _ _ =>
      lazymatch c with
      | fun _ => ?d => eapply (D_choose_const d f g); [D | D]
      | _ => eapply (D_choose c f g); [solve [eauto 4 with still] | D | D] end
  | |- is_derive (fun t => ?g (@?f t)) _ _ => first
      [ solve [eauto 4 with curves]
      | solve [eauto 2 with scalars]
      | eapply (D_comp g f); [D | cbv beta; solve [eauto 2 with scalars]] ]
  | |- is_derive _ _ _ => first [solve [eauto 4 with curves] | solve [eauto 2 with scalars]]
  end.

(* ---- what holds at the point, of what moves, holds near it ---- *)
Ltac near := cbv beta; first
  [ apply filter_forall; intro; solve [known | nz]
  | lazymatch goal with
    | |- locally _ (fun t => forall i j : nat, (i < ?m)%nat -> (j < ?n)%nat -> @?P i j t) =>
        apply (locally_all2 m n P); intros; near
    | |- locally _ (fun t => forall i : nat, (i < ?n)%nat -> @?P i t) =>
        apply (locally_all n P); intros; near
    | |- locally _ (fun t => 0 < @?f t) => eapply (positive_near f); [D | known]
    | |- locally _ (fun t => det ?n (@?A t) <> 0) =>
        eapply nonzero_near; [eapply (D_det_rows n A); intros; cbv beta; D | known]
    | |- locally _ (fun t => @?f t <> 0) => eapply (nonzero_near f); [D | solve [known | nz]]
    end ].
