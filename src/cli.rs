//! Every command, over the same engine.
