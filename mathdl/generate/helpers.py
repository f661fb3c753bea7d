"""Functions that generated modules carry along: argument checks and small array helpers."""

from mathdl.generate.linalg_helpers import LINALG

COMMON = '''
_local = threading.local()
_ndarray = np.ndarray


def _array(name, value, axes, integer=False):
    """The argument as an array with so many axes, of integers or of numbers."""
    array = np.asarray(value)
    if array.dtype.kind not in ("iu" if integer else "fciub"):
        kind = "integers" if integer else "numbers"
        raise TypeError(f"{name} must be an array of {kind}, not of {array.dtype}")
    if array.ndim != axes:
        raise ValueError(f"{name} has shape {array.shape}, expected {axes} axes")
    return array


def _misfit(name, array, expected, dims):
    """The error for a shape that does not fit, with where each dim comes from."""
    known = ", ".join(f"{d} = {size} from {source}" for d, size, source in dims)
    return ValueError(
        f"{name} has shape {array.shape}, expected {expected}" + (f" with {known}" if known else "")
    )


def _dtype(*pairs):
    """float32 when every array is; Python numbers adapt; integers count as float64."""
    found = [
        array.dtype if array.dtype.kind in "fc" else np.dtype(np.float64)
        for value, array in pairs
        if type(value) not in (int, float, bool, complex) or isinstance(value, complex)
    ]
    return np.result_type(np.float32, *found) if found else np.dtype(np.float64)


def _empty(shape, dtype):
    """An uninitialised array that starts at a cache line, which ufuncs run fastest on."""
    size = np.dtype(dtype).itemsize*math.prod(shape)
    raw = np.empty(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size].view(dtype).reshape(shape)


def _known(key, sizes):
    """The plan for these dims and dtype; arguments with this ``key`` need no checks next time."""
    plans, known = _local.__dict__.setdefault("kept", ({}, {}))
    found = plans.get(sizes)
    if found is None:
        if len(plans) > 3:
            oldest = plans.pop(next(iter(plans)))
            for other in [k for k, plan in known.items() if plan is oldest]:
                del known[other]
        found = plans[sizes] = _plan(*sizes), _shapes(*sizes), sizes
    if key is not None:
        known[key] = found
        _local.known = known
    return found


def _compute(found, inputs, out):
    """Run a plan; the results, in new arrays or in those given."""
    run, shapes, sizes = found
    dtype = sizes[-1]
    if out is None:
        return run(*inputs, *[np.empty(shape, dtype) for shape in shapes])
    if len(out) == len(shapes):
        arrays = [out.get(name) for name in _RESULTS]
        if _free(arrays, shapes, dtype, inputs):
            return run(*inputs, *arrays)
    arrays, later = _outputs(out, shapes, dtype, inputs)
    results = list(run(*inputs, *arrays))
    for at, target in later:
        np.copyto(target, results[at])
        results[at] = target
    return results


def _free(arrays, shapes, dtype, inputs):
    """Whether results can be computed right in these arrays: a quick test, which most pass.

    Arrays share no memory when what owns it is a different array for each.
    """
    owners = set()
    for array in inputs:
        owner = array.base
        if owner is not None and (owner.__class__ is not _ndarray or owner.base is not None):
            return False
        owners.add(id(array if owner is None else owner))
    for array, shape in zip(arrays, shapes):
        if (
            array.__class__ is not _ndarray or array.shape != shape
            or array.dtype is not dtype or not array.flags.carray
        ):
            return False
        owner = array.base
        if owner is not None and (owner.__class__ is not _ndarray or owner.base is not None):
            return False
        owner = id(array if owner is None else owner)
        if owner in owners:
            return False
        owners.add(owner)
    return True


def _outputs(out, shapes, dtype, inputs):
    """The arrays to write results into, and the copies to make afterwards."""
    arrays, later, given = [], [], []
    for at, name, shape in zip(_AT, _RESULTS, shapes):
        target = out.get(name)
        if target is None:
            arrays.append(np.empty(shape, dtype))
            continue
        if not isinstance(target, np.ndarray) or target.shape != shape or target.dtype != dtype:
            raise ValueError(f"out[{name!r}] must be an array of shape {shape} and dtype {dtype}")
        if not target.flags.carray:
            if not target.flags.writeable:
                raise ValueError(f"out[{name!r}] is read-only")
            later.append((at, target))
            arrays.append(np.empty(shape, dtype))
        else:
            given.append((at, len(arrays)))
            arrays.append(target)
    extra = [name for name in out if name not in _RESULTS]
    if extra:
        raise ValueError(f"out has no result called {', '.join(map(repr, extra))}")
    for k, (at, place) in enumerate(given):
        target = arrays[place]
        others = [*inputs, *(arrays[p] for _, p in given[:k]), *(t for _, t in later)]
        if any(np.may_share_memory(target, a) for a in others):
            later.append((at, target))
            arrays[place] = np.empty(target.shape, dtype)
    return arrays, later
'''

_FULL = '''

def _full(shape, value, dtype):
    """An array of one number that starts at a cache line."""
    array = _empty(shape, dtype)
    array.fill(value)
    return array
'''

_BROADCASTING = '''

def _broadcasting(run):
    """The same with a ufunc buffer of 1024 entries instead of 8192.

    NumPy copies what is broadcast into this buffer when it holds several rows of the result,
    which costs more than the arithmetic.
    """
    def narrow(*arrays):
        before = np.setbufsize(1024)
        try:
            return run(*arrays)
        finally:
            np.setbufsize(before)

    return narrow
'''

_TIMES = '''

def _times_transposed(n, k, m, dtype):
    """The product of an n x k matrix with the transpose of an m x k one."""
    if n < 48 or n*k*m > 600_000:
        return np.ndarray.dot
    turned = _empty((k, m), dtype)

    def dot(a, b, out):
        # BLAS is slower on small transposed matrices, which pays for copying
        np.copyto(turned, b)
        a.dot(turned, out)

    return dot
'''

_INDICES = '''

def _indices(name, array, length):
    """Integer data used as an index must be in range."""
    if array.size and (array.min() < 0 or array.max() >= length):
        raise IndexError(f"{name} has an index out of range for an axis of length {length}")
'''

_PASSED = '''

def _passed(**dims):
    """Dims that the inputs' shapes do not tell must be passed by name."""
    missing = [name for name, size in dims.items() if size is None]
    if missing:
        raise TypeError(f"no input's shape has {', '.join(missing)}: pass {'=, '.join(missing)}=")
'''

_STRIDED = '''

def _strided(array, start, shape, steps):
    """The view whose entry k is array[start + steps @ k]."""
    corner = array[tuple(slice(s, None) for s in start)]
    strides = [sum(row[k] * s for row, s in zip(steps, array.strides)) for k in range(len(shape))]
    return np.lib.stride_tricks.as_strided(corner, shape, strides)
'''

_ROWDOT = '''

def _rowdot(a, b, out=None):
    """Inner products along the last axis, without conjugation."""
    return np.einsum("...i,...i->...", a, b, out=out)
'''

_EXCESS = '''

class _excess:
    """The sum along the last axis less one, of numbers of which the greatest is 1.

    Where the others are small they are summed without it.
    """

    def reduce(a, axis=None, out=None):
        rows = a.reshape(-1, a.shape[-1])
        total = rows.dot(np.ones(rows.shape[1], a.dtype)) - a.dtype.type(1)
        small = np.flatnonzero(total.real < (0.25 if a.itemsize == 4 else 1e-4))
        if small.size:
            rows, at = rows[small], np.arange(small.size)
            most = rows.argmax(axis=1)
            less = rows[at, most] - a.dtype.type(1)
            rows[at, most] = 0
            total[small] = rows.dot(np.ones(rows.shape[1], a.dtype)) + less
        if a.ndim == 1:
            return total[0]
        if out is None:
            return total.reshape(a.shape[:-1])
        out[...] = total.reshape(out.shape)
        return out
'''

_GREATEST = '''

class _greatest:
    """The greatest entries; of nothing but minus infinity the least number, to be subtracted."""

    def reduce(a, axis=None, out=None):
        return np.maximum.reduce(a, axis=axis, out=out, initial=np.finfo(a.dtype).min)
'''

_ROOT = '''

def _root(root, bases, axis, scale=1.0, shift=0.0):
    """The root of scale*sum(bases**2) + shift, mended where squares over- or underflow.

    The sum is over an axis of the one base, over all (None) or over the bases (no axis).
    """
    if root.dtype.kind == "c" or not root.size or (
        np.maximum.reduce(root, axis=None) < 1e15
        and (shift > 0.0 or np.minimum.reduce(root, axis=None) > 1e-15)
    ):
        return root
    flat = root.reshape(-1)
    at = np.flatnonzero(~((flat > 1e-15) & (flat < 1e15)))
    if axis == ():
        wide = [np.broadcast_to(b, root.shape).reshape(-1)[at] for b in bases]
        values = np.stack(wide, axis=1)
    elif axis is None:
        values = bases[0].reshape(1, -1)
    else:
        values = np.moveaxis(bases[0], axis, -1).reshape(flat.size, -1)[at]
    values = np.abs(values)
    most = values.max(axis=1)
    most[(most == 0) | (most == np.inf)] = 1
    values = values/most[:, None]
    found = np.sqrt(scale*(values*values).sum(axis=1))*most
    found = np.hypot(found, math.sqrt(shift)).astype(root.dtype)
    if root.ndim == 0:
        return found[0]
    root.reshape(-1)[at] = found
    return root
'''

_CENTRED = '''

def _centred(values, mean, axis):
    """Subtract what rounding left of a mean that was subtracted, where it is large beside them."""
    if values.dtype.kind == "c" or not values.size:
        return
    first, last = (values[..., 0], values[..., -1]) if axis == -1 else (values[0], values[-1])
    mean = mean.reshape(first.shape)
    ratio, most = mean/first, 32.0 if values.itemsize == 4 else 1e6
    if np.dot(ratio, ratio) < most*most:
        return
    if (np.abs(mean) > np.maximum(np.abs(first), np.abs(last))*most).any():
        values -= values.mean(axis=axis, keepdims=True)
'''

# what is added when it is called
OPTIONAL = {
    "_full(": _FULL,
    "_broadcasting(": _BROADCASTING,
    "_times_transposed(": _TIMES,
    "_indices(": _INDICES,
    "_passed(": _PASSED,
    "_strided(": _STRIDED,
    "rowdot(": _ROWDOT,
    "_excess.": _EXCESS,
    "_greatest.": _GREATEST,
    "_root(": _ROOT,
    "_centred(": _CENTRED,
    **LINALG,
}
