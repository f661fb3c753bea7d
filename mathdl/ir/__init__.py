"""The representation: dims, tensors, equations, systems and index algebra."""
