//! Tests of the agent as a whole.
