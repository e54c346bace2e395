//! The only place that orchestrates: fleet, isolation, queues, clock.
//!
//! ```text
//! Provider ──inventory/holdings──▶ fleet ──Snapshot──▶ console, commands
//!    ▲                                │ plan
//!    └──perform(ArmedStep)── isolation ◀── key, command
//!                               └──EngineEvent──▶ console, commands
//! ```

mod approval;
mod budget;
mod clock;
mod deadline;
mod event;
mod fleet;
mod handle;
mod handover;
mod hold;
mod identify;
mod inventory;
mod isolation;
mod order;
mod people;
mod port;
mod restore;
mod roster;
mod snapshot;
mod work;

pub use approval::{APPROVAL_TIME, ApprovalFault, Approved, short};
pub use budget::{
    Budget, Estimate, Feedback, LONGEST_PAUSE, Left, Permit, Purpose, Rate, RateHeaders, Turn, Urgency, backoff,
    on_behalf,
};
pub use clock::{Clock, ManualClock, SystemClock};
pub use deadline::time_left;
pub use event::{Ended, EngineEvent, OperationPhase};
pub use handle::{Checked, Confirmed, Engine, Parts, Running, WaitingStep};
pub use hold::{Hold, WATCH_AT_LEAST};
pub use identify::{Leaked, owners_by_fingerprint};
pub use inventory::{Inventory, InventoryError, Part};
pub use order::{Order, Rechecked, Refusal, RestoreOrder};
pub use people::{COLLATERAL_CAP, Login, People, Right, Rules, SystemPeople};
pub use port::{Coverage, LaneCheck, Limits, Listing, Preflight, Provider, ProviderError, Whoami};
pub use roster::{BotEntry, Roster};
pub use snapshot::{BotView, Others, ProviderStatus, STALE_AFTER, Snapshot};
