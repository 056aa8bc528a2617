//! Tests of `plugin`.
