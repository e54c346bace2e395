//! The binary: arguments, configuration, wiring, exit code.

fn main() {}
