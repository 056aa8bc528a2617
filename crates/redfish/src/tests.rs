//! The client against scripted BMCs over loopback.
