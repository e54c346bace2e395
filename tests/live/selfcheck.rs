//! The attacker against the servers alone, without estop: what was stolen works, and what is known to survive
//! a half-hearted cut does survive. A test of estop that finds everything dead means something only if this holds.

mod keycloak;
mod postgres;
