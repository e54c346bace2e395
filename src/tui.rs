//! The console: one loop, one message type, a pure `update`, effects.
