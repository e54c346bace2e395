//! A story through the real loop: a desk in the engine's place, keys, and what the screen and the desk say then.

use estop::tui::theme::{Capability, Glyphs};

use super::fake::{self, Console, Desk, Far};

macro_rules! looped {
    ($($(#[$meta:meta])* async fn $name:ident() $body:block)*) => {$(
        $(#[$meta])*
        #[tokio::test(start_paused = true)]
        async fn $name() {
            tokio::task::LocalSet::new().run_until(async $body).await;
        }
    )*};
}

pub(crate) use looped;

/// A console in a usual window, at its first look at the fleet.
pub async fn open(desk: Desk) -> Console {
    let look = fake::look(Capability::Sixteen, Glyphs::UNICODE);
    let console = Console::at(desk, Far::Answers, fake::state(80, 24, look, false)).await;
    console.wait(200).await;
    console
}

/// How often the engine was asked for exactly that.
pub fn asked(console: &Console, what: &str) -> usize {
    console.desk.asked.lock().unwrap().iter().filter(|said| *said == what).count()
}
