//! Checks of the tree itself: who may import whom, file headers and sizes, licences, one TLS stack.
//!
//! What a compiler cannot check and a reviewer forgets stands in `tests/`.
