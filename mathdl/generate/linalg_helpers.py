"""What generated modules carry along for linear algebra: one factorisation, many readers."""

_FACTOR = '''

_LAPACK = {
    char: {name: getattr(scipy.linalg.lapack, prefix + name)
           for name in ("getrf", "getrs", "getri", "potrf", "potrs", "potri", "trtrs", "trtri")}
    for char, prefix in zip("fdFD", "sdcz")
}


def _factor(a, kind, name, certain=False):
    """The factorisation of a matrix or of a stack; ``kind`` is what is assumed of it."""
    if a.dtype.char not in _LAPACK:
        raise TypeError(f"{name} is of {a.dtype}, which LAPACK does not factor")
    return (_Factor if a.ndim == 2 else _Factors)(a, kind, name, certain)


class _Factor:
    """A matrix as Cholesky or LU factors or as the triangle that it is.

    What does not have the structure assumed of it is treated as a general matrix.
    """

    def __init__(self, a, kind, name, certain):
        self.a, self.name, self.n = a, name, len(a)
        self.lapack = _LAPACK[a.dtype.char]
        self.regular = False  # whether the pivots were looked at
        self.kind = "general"
        if kind == "positive" and a.dtype.kind != "c" and np.array_equal(a, a.T):
            self.kind = kind
            self.factor = self._cholesky(a)
        elif kind in ("lower", "upper") and (
            certain or not (np.triu(a, 1) if kind == "lower" else np.tril(a, -1)).any()
        ):
            self.kind = kind
            self.factor = a
        else:
            # the transpose is in the order of LAPACK
            self.factor, self.pivots, _ = self.lapack["getrf"](a.T)
        self.diagonal = np.diagonal(self.factor)

    def _cholesky(self, a):
        factor, info = self.lapack["potrf"](a.T.conj(), lower=1, clean=1)
        low = 8*np.finfo(a.dtype).eps
        if info or (np.diagonal(factor).real**2 <= low*np.diagonal(a).real).any():
            raise np.linalg.LinAlgError(f"{self.name} is not positive definite")
        return factor

    def _singular(self):
        return np.linalg.LinAlgError(f"{self.name} is singular")

    def _check(self):
        """No pivot may be what rounding leaves of 0."""
        if self.regular or self.kind == "positive":
            return
        size = np.abs(self.diagonal)
        if not size.all():
            raise self._singular()
        if self.kind == "general":
            low = 8*np.finfo(self.a.dtype).eps
            upper = np.abs(np.triu(self.factor))
            if size.min() <= low*upper.max():
                lower = np.abs(np.tril(self.factor, -1)) + np.eye(self.n, dtype=size.dtype)
                if (size <= low*np.einsum("ij,ji->i", lower, upper)).any():
                    raise self._singular()
        self.regular = True

    def cholesky(self):
        """The lower triangular factor, whatever the matrix is above the diagonal."""
        if self.kind == "positive":
            return self.factor
        below = np.tril(self.a, -1)
        return self._cholesky(below + below.T.conj() + np.diag(np.diagonal(self.a)))

    def solve(self, b, transposed=False):
        """What the matrix, or its transpose, maps to ``b``: a matrix or a stack of them."""
        self._check()
        if b.ndim > 2:
            columns = np.moveaxis(b, -2, 0)
            x = self.solve(columns.reshape(self.n, -1), transposed)
            return np.moveaxis(x.reshape(columns.shape), 0, -2)
        if self.kind == "positive":
            return self.lapack["potrs"](self.factor, b, lower=1)[0]
        if self.kind == "general":
            trans = 0 if transposed else 1
            return self.lapack["getrs"](self.factor, self.pivots, b, trans=trans)[0]
        lower = self.kind == "lower"
        if self.factor.flags.f_contiguous:
            return self.lapack["trtrs"](self.factor, b, lower=lower, trans=transposed)[0]
        return self.lapack["trtrs"](self.factor.T, b, lower=not lower, trans=not transposed)[0]

    def inv(self):
        self._check()
        if self.kind == "positive":
            half = self.lapack["potri"](self.factor, lower=1)[0]
            return np.tril(half) + np.tril(half, -1).T
        if self.kind == "general":
            return self.lapack["getri"](self.factor, self.pivots, lwork=64*self.n)[0].T
        return self.lapack["trtri"](self.factor, lower=self.kind == "lower")[0]

    def det(self):
        product = np.prod(self.diagonal)
        if self.kind == "positive":
            return product*product
        if self.kind == "general" and np.count_nonzero(self.pivots != np.arange(self.n)) % 2:
            return -product
        return product

    def signdet(self):
        if self.kind == "positive":
            return self.a.dtype.type(1)
        sign = np.prod(np.sign(self.diagonal))
        if self.kind == "general" and np.count_nonzero(self.pivots != np.arange(self.n)) % 2:
            return -sign
        return sign

    def logdet(self):
        """log|det|; along a complex step the analytic continuation of it."""
        if not self.diagonal.all():
            raise self._singular()
        if self.kind == "positive":
            return 2*np.sum(np.log(self.diagonal))
        if self.diagonal.dtype.kind == "c":
            return np.sum(np.log(self.diagonal*np.where(self.diagonal.real < 0, -1, 1)))
        return np.sum(np.log(np.abs(self.diagonal)))


class _Factors:
    """A stack of matrices, with NumPy's functions for stacks."""

    def __init__(self, a, kind, name, certain):
        self.a, self.name, self.found = a, name, None
        self.half = None
        if kind == "positive" and a.dtype.kind != "c" and np.array_equal(a, a.swapaxes(-1, -2)):
            self.half = self.cholesky()

    def cholesky(self):
        if self.half is not None:
            return self.half
        try:
            half = np.linalg.cholesky(self.a)
        except np.linalg.LinAlgError:
            half = None
        if half is not None:
            squares = np.diagonal(half, axis1=-2, axis2=-1).real**2
            whole = np.diagonal(self.a, axis1=-2, axis2=-1).real
            low = 8*np.finfo(self.a.dtype).eps
        if half is None or (squares <= low*whole).any():
            raise np.linalg.LinAlgError(f"a matrix of {self.name} is not positive definite")
        return half

    def inv(self):
        """The inverses; rounding must leave something of them."""
        if self.found is None:
            error = np.linalg.LinAlgError(f"a matrix of {self.name} is singular")
            try:
                found = np.linalg.inv(self.a)
            except np.linalg.LinAlgError:
                raise error from None
            loss = (np.abs(found) @ np.abs(self.a)).sum(axis=-1)*np.finfo(self.a.dtype).eps
            if (loss >= 1).any():
                raise error
            self.found = found
        return self.found

    def solve(self, b, transposed=False):
        self.inv()
        return np.linalg.solve(self.a.swapaxes(-1, -2) if transposed else self.a, b)

    def det(self):
        return np.linalg.det(self.a)

    def signdet(self):
        return np.linalg.slogdet(self.a)[0]

    def logdet(self):
        if self.half is not None:
            return 2*np.log(np.diagonal(self.half, axis1=-2, axis2=-1)).sum(axis=-1)
        sign, log = np.linalg.slogdet(self.a)
        if (sign == 0).any():
            raise np.linalg.LinAlgError(f"a matrix of {self.name} is singular")
        return log + np.log(sign*np.sign(sign.real)) if self.a.dtype.kind == "c" else log
'''

_EIGH = '''

def _eigh(a):
    """Eigenvalues and eigenvectors of the symmetric part."""
    return np.linalg.eigh((a + a.swapaxes(-1, -2))/2)
'''

_EIGVALSH = '''

def _eigvalsh(a):
    """The eigenvalues alone, where the pair would stand."""
    return (np.linalg.eigvalsh((a + a.swapaxes(-1, -2))/2),)
'''

_SVD = '''

def _svd(a):
    """Left vectors, singular values, transposed right vectors."""
    return np.linalg.svd(a, full_matrices=False)
'''

_SVDVALS = '''

def _svdvals(a):
    """The singular values alone, where they stand between the vectors."""
    return None, np.linalg.svd(a, compute_uv=False)
'''

_INVERSE_PAIRS = '''

def _inverse_pairs(w, sign, name, equal):
    """1/(w[j] + sign*w[i]) off the diagonal and 0 on it."""
    pairs = w[..., None, :] + sign*w[..., :, None]
    own = np.arange(w.shape[-1])
    pairs[..., own, own] = np.inf
    low = len(own)*np.finfo(w.dtype).eps*np.abs(w).max(axis=-1)
    if (np.abs(pairs) <= low[..., None, None]).any():
        raise np.linalg.LinAlgError(
            f"{name} has {equal}, where their vectors have no derivative"
        )
    return 1/pairs
'''

_INVERSE_VALUES = '''

def _inverse_values(s, u, name):
    """1/s for singular values s; 0 where the vectors u are a square matrix."""
    if u.shape[-1] == u.shape[-2]:
        return np.zeros_like(s)
    if (s[..., -1] <= u.shape[-2]*np.finfo(s.dtype).eps*s[..., 0]).any():
        raise np.linalg.LinAlgError(
            f"{name} has a singular value of 0, where its vectors have no derivative"
        )
    return 1/s
'''

_LSTSQ = '''

def _lstsq(parts, b, name, transposed=False):
    """The shortest of the nearest solutions, for a matrix (or its transpose) of full rank."""
    u, s, vh = parts
    size = max(u.shape[-2], vh.shape[-1])
    if (s[..., -1] <= size*np.finfo(s.dtype).eps*s[..., 0]).any():
        which = "a matrix of " if s.ndim > 1 else ""
        raise np.linalg.LinAlgError(f"{which}{name} is not of full rank")
    if transposed:
        u, vh = vh.swapaxes(-1, -2), u.swapaxes(-1, -2)
    return vh.swapaxes(-1, -2) @ ((u.swapaxes(-1, -2) @ b)/s[..., None])
'''

# what is added when it is called
LINALG = {
    "_factor(": _FACTOR, "_eigh(": _EIGH, "_eigvalsh(": _EIGVALSH, "_svd(": _SVD,
    "_svdvals(": _SVDVALS, "_inverse_pairs(": _INVERSE_PAIRS,
    "_inverse_values(": _INVERSE_VALUES, "_lstsq(": _LSTSQ,
}
