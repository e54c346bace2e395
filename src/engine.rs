//! The only place that orchestrates: fleet, isolation, queues, clock.
//!
//! ```text
//! Provider ──inventory/holdings──▶ fleet ──Snapshot──▶ console, commands
//!    ▲                                │ plan
//!    └──perform(ArmedStep)── isolation ◀── key, command
//!                               └──EngineEvent──▶ console, commands
//! ```

mod budget;
mod clock;
mod event;
mod fleet;
mod handle;
mod isolation;
mod order;
mod port;
mod roster;
mod snapshot;

pub use budget::{
    Budget, Estimate, Feedback, LONGEST_PAUSE, Left, Permit, Purpose, Rate, RateHeaders, Turn, Urgency, backoff,
    on_behalf,
};
pub use clock::{Clock, ManualClock, SystemClock};
pub use event::{Ended, EngineEvent, OperationPhase};
pub use handle::{Checked, Engine, Parts, Running};
pub use order::{Order, Rechecked, Refusal};
pub use port::{Coverage, LaneCheck, Limits, Listing, Preflight, Provider, ProviderError, Whoami};
pub use roster::{BotEntry, Roster};
pub use snapshot::{BotView, ProviderStatus, STALE_AFTER, Snapshot};
