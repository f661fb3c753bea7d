"""Functions that generated modules carry along: argument checks and small array helpers."""

COMMON = '''
_local = threading.local()


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


def _outputs(out, shapes, dtype, inputs):
    """The arrays to write results into, and the copies to make afterwards."""
    given = dict(out or {})
    arrays, later = [], []
    for name, shape in shapes.items():
        target = given.pop(name, None)
        if target is None:
            arrays.append(np.empty(shape, dtype))
            continue
        if not isinstance(target, np.ndarray) or target.shape != shape or target.dtype != dtype:
            raise ValueError(f"out[{name!r}] must be an array of shape {shape} and dtype {dtype}")
        if not target.flags.writeable:
            raise ValueError(f"out[{name!r}] is read-only")
        others = [*inputs, *arrays, *(wanted for wanted, _ in later)]
        if not target.flags.c_contiguous or any(np.may_share_memory(target, a) for a in others):
            arrays.append(np.empty(shape, dtype))
            later.append((target, arrays[-1]))
        else:
            arrays.append(target)
    if given:
        raise ValueError(f"out has no result called {', '.join(map(repr, given))}")
    return arrays, later
'''

_INDICES = '''

def _indices(name, array, length):
    """Integer data used as an index must be in range."""
    if array.size and (array.min() < 0 or array.max() >= length):
        raise IndexError(f"{name} has an index out of range for an axis of length {length}")
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

_LOGDET = '''

def _logdet(a):
    """log|det a|; along a complex step the analytic continuation of it."""
    sign, log = np.linalg.slogdet(a)
    return log + np.log(sign*np.sign(sign.real)) if a.dtype.kind == "c" else log
'''

# what is added when it is called
OPTIONAL = {
    "_indices(": _INDICES,
    "_strided(": _STRIDED,
    "rowdot(": _ROWDOT,
    "_logdet(": _LOGDET,
}
