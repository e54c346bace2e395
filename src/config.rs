//! file < environment < flag, strict; secrets by reference.
