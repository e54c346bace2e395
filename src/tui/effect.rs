//! Runs effects. The only place in the console that spawns; everything comes back as a message.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    sync::{mpsc, watch},
    task::AbortHandle,
};
use tokio_util::task::TaskTracker;

use super::{
    fleet::{Ask, List},
    message::{Message, Planned, Way},
    operator::{Operator, Shelf},
    update::Effect,
};
use crate::{
    domain::{BotName, Identified, LeakedSecret},
    engine::{Order, Refusal, RestoreOrder},
};

/// Results that may wait for the loop.
const RESULTS: usize = 256;

/// What the loop has to do itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Go,
    /// Restore the terminal and stop until continued.
    Suspend,
    /// Ring the terminal's bell once.
    Ring,
    /// Put a text on the terminal's clipboard.
    Copy(String),
    /// Leave.
    End,
}

/// The runner.
#[derive(Debug)]
pub struct Effects<O> {
    operator: O,
    results: mpsc::Sender<Message>,
    /// Orders on their way to the engine: the console does not end before each was taken or refused.
    orders: TaskTracker,
    /// The bot to read next: one read runs, one waits, the newest wins.
    next_bot: Option<watch::Sender<BotName>>,
    /// The journals that were read, for as long as nobody writes to them.
    shelf: Arc<Shelf>,
    /// What looks whether anybody has written to them.
    watch: Option<AbortHandle>,
    /// The number of the newest list that is wanted: an older one that is still being made is given up.
    newest_list: Arc<AtomicU64>,
}

impl<O: Operator> Effects<O> {
    /// A runner and what it will tell.
    pub fn new(operator: O) -> (Self, mpsc::Receiver<Message>) {
        let (results, told) = mpsc::channel(RESULTS);
        let orders = TaskTracker::new();
        let (shelf, newest_list) = (Arc::default(), Arc::default());
        (Self { operator, results, orders, next_bot: None, shelf, watch: None, newest_list }, told)
    }

    /// Starts an effect.
    pub fn run(&mut self, effect: Effect) -> Flow {
        match effect {
            Effect::Isolate(order) => self.isolate(order),
            Effect::IsolateMarked(orders) => self.isolate_marked(orders),
            Effect::Recall => {
                self.ask(|operator| async move { Message::InventoryRecalled(operator.recall().await) });
            }
            Effect::Refresh => {
                let (operator, results) = (self.operator.clone(), self.results.clone());
                tokio::spawn(async move {
                    operator.refresh().await;
                    tell(&results, Message::Refreshed).await;
                });
            }
            Effect::RefreshBot(bot) => self.read_bot(bot),
            Effect::ReadJournal => {
                let (operator, results) = (self.operator.clone(), self.results.clone());
                tokio::spawn(async move {
                    let lines = operator.recorded().await;
                    tell(&results, Message::JournalRead(lines)).await;
                });
            }
            Effect::Retry(bot) => self.retry(bot),
            Effect::Resume => self.resume(),
            Effect::AskLeft => self.ask(|operator| async move { Message::LeftFound(operator.left().await) }),
            Effect::AskRights => self.ask(|operator| async move { Message::RightsKnown(operator.rights().await) }),
            Effect::AskWatch(bot) => self.ask(|operator| async move {
                let until = operator.watched_until(&bot);
                Message::Watching { bot, until }
            }),
            Effect::Identify(secret) => self.ask(|operator| identify(operator, secret)),
            Effect::Probe { secret, identified, consent } => {
                self.ask(move |operator| probe(operator, secret, identified, consent));
            }
            Effect::Forget(bots) => bots.iter().for_each(|bot| self.operator.forget(bot)),
            Effect::PlanRestore(bot, mode) => self.ask(move |operator| async move {
                let result = operator.plan_restore(&bot, mode).await;
                Message::RestorePlanned(Planned { bot, mode, result })
            }),
            Effect::Restore(order) => self.restore(order),
            Effect::Note(incident, text) => self.record(move |operator| async move {
                let said = operator.note(incident, &text).await;
                Message::Recorded(said.map(|incident| format!("noted in incident {incident}")))
            }),
            Effect::Summarise(incident) => {
                self.ask(move |operator| async move { Message::Summarised(operator.summary(incident).await) });
            }
            Effect::HandOver(incident, to) => self.record(move |operator| async move {
                let whom = to.clone().unwrap_or_else(|| "whoever is next".to_owned());
                let said = operator.hand_over_incident(incident, to).await;
                Message::Recorded(said.map(|()| format!("handed over to {whom}: on record in incident {incident}")))
            }),
            Effect::AskWaiting => {
                self.ask(|operator| async move { Message::WaitingFound(operator.waiting_steps().await) });
            }
            Effect::CountWaiting => self.ask(|operator| async move {
                Message::WaitingCounted(operator.waiting_steps().await.ok().map(|steps| steps.len()))
            }),
            Effect::Confirm(step, evidence) => self.record(move |operator| async move {
                match operator.confirm(&step, evidence).await {
                    Ok(confirmed) => Message::StepConfirmed(confirmed),
                    Err(refusal) => Message::Recorded(Err(refusal)),
                }
            }),
            Effect::ReadIncidents => {
                let known = self.shelf.clone();
                self.ask(|operator| async move { Message::IncidentsRead(operator.incidents(&known).await) });
            }
            Effect::AwaitIncidents => self.await_incidents(),
            Effect::LeaveIncidents => self.watch.take().iter().for_each(AbortHandle::abort),
            Effect::FollowIncident(id) => self.ask(move |operator| async move {
                Message::IncidentFollowed(id, operator.open_incident(id).await.map(Box::new))
            }),
            Effect::OpenIncident(id) => self.ask(move |operator| async move {
                Message::IncidentOpened(id, operator.open_incident(id).await.map(Box::new))
            }),
            Effect::CheckIncident(id) => {
                self.ask(
                    move |operator| async move { Message::IncidentChecked(id, operator.check_incident(id).await) },
                );
            }
            Effect::ReadLine(incident, seq) => self.ask(move |operator| async move {
                let result = operator.read_line(incident, seq).await;
                Message::LineRead { incident, seq, result }
            }),
            Effect::RecordRefusal(bot, refusal) => {
                let operator = self.operator.clone();
                self.orders.spawn(async move { operator.record_refusal(bot, refusal).await });
            }
            Effect::List(ask) => self.list(ask),
            // The last to hold it may be this one: half a million identities are let go of beside the loop.
            Effect::LetGo(list) => drop(tokio::task::spawn_blocking(move || drop(list))),
            Effect::Ring => return Flow::Ring,
            Effect::Copy(text) => return Flow::Copy(text),
            Effect::Suspend => return Flow::Suspend,
            Effect::End => return Flow::End,
        }
        Flow::Go
    }

    /// Waits until every order was taken or refused.
    pub async fn orders_taken(&self) {
        self.orders.close();
        self.orders.wait().await;
    }

    /// Asks the engine something beside the loop.
    fn ask<F>(&self, question: impl FnOnce(O) -> F)
    where
        F: Future<Output = Message> + Send + 'static,
    {
        let (answer, results) = (question(self.operator.clone()), self.results.clone());
        tokio::spawn(async move { tell(&results, answer.await).await });
    }

    /// Puts something on record: the console does not end before that is done.
    fn record<F>(&self, writing: impl FnOnce(O) -> F)
    where
        F: Future<Output = Message> + Send + 'static,
    {
        let (written, results) = (writing(self.operator.clone()), self.results.clone());
        self.orders.spawn(async move { tell(&results, written.await).await });
    }

    fn await_incidents(&mut self) {
        let (operator, results, known) = (self.operator.clone(), self.results.clone(), self.shelf.clone());
        let watch = tokio::spawn(async move {
            operator.incidents_changed(&known).await;
            tell(&results, Message::IncidentsChanged).await;
        });
        self.watch.replace(watch.abort_handle()).iter().for_each(AbortHandle::abort);
    }

    fn retry(&self, bot: BotName) {
        let (operator, results) = (self.operator.clone(), self.results.clone());
        self.orders.spawn(async move {
            let message = match operator.retry(&bot).await {
                Ok(op) => Message::OrderTaken { bot, op },
                Err(refusal) => Message::AgainRefused { bot: Some(bot), why: refusal.to_string() },
            };
            tell(&results, message).await;
        });
    }

    fn restore(&self, order: RestoreOrder) {
        let (operator, results) = (self.operator.clone(), self.results.clone());
        self.orders.spawn(async move {
            let bot = order.bot.clone();
            let message = match operator.restore(order).await {
                Ok(op) => Message::OrderTaken { bot, op },
                Err(refusal) => Message::RestoreRefused { bot, refusal },
            };
            tell(&results, message).await;
        });
    }

    fn resume(&self) {
        let (operator, results) = (self.operator.clone(), self.results.clone());
        self.orders.spawn(async move {
            let why = match operator.resume().await {
                Ok(1..) => return tell(&results, Message::LeftFound(operator.left().await)).await,
                Ok(0) => "nothing could be taken up: estop status tells who has it".to_owned(),
                Err(why) => why,
            };
            tell(&results, Message::AgainRefused { bot: None, why }).await;
        });
    }

    /// Every guard of every bot first: then all are sent, or none.
    fn isolate_marked(&self, orders: Vec<Order>) {
        let (operator, results, tracker) = (self.operator.clone(), self.results.clone(), self.orders.clone());
        self.orders.spawn(async move {
            let mut refused = Vec::new();
            for order in &orders {
                if let Err(refusal) = operator.guard(order).await {
                    refused.push(refusal.to_string());
                    operator.record_refusal(Some(order.bot.clone()), refusal).await;
                }
            }
            if refused.is_empty() {
                for order in orders {
                    tracker.spawn(isolate(operator.clone(), results.clone(), order));
                }
            } else {
                let bots = orders.into_iter().map(|order| order.bot).collect();
                tell(&results, Message::MarkedRefused { bots, why: refused.join("; ") }).await;
            }
        });
    }

    fn isolate(&self, order: Order) {
        self.orders.spawn(isolate(self.operator.clone(), self.results.clone(), order));
    }

    fn list(&self, ask: Ask) {
        let (newest, results, generation) = (self.newest_list.clone(), self.results.clone(), ask.generation);
        newest.store(generation, Ordering::Relaxed);
        tokio::task::spawn_blocking(move || {
            let stop = || newest.load(Ordering::Relaxed) != generation;
            if let Some(list) = List::build(&ask, &stop) {
                drop(ask);
                let message = Message::FilterMatched { generation, list: Arc::new(list) };
                if results.blocking_send(message).is_err() {
                    // The loop has ended: nobody waits for it any more.
                }
            }
        });
    }

    fn read_bot(&mut self, bot: BotName) {
        if let Some(next) = &self.next_bot {
            next.send_replace(bot);
            return;
        }
        let (sender, mut next) = watch::channel(bot);
        next.mark_changed();
        self.next_bot = Some(sender);
        let (operator, results) = (self.operator.clone(), self.results.clone());
        tokio::spawn(async move {
            while next.changed().await.is_ok() {
                let bot = next.borrow_and_update().clone();
                operator.refresh_bot(&bot).await;
                tell(&results, Message::BotRefreshed(bot)).await;
            }
        });
    }
}

/// Hands an order to the engine; what came of it is told.
async fn isolate<O: Operator>(operator: O, results: mpsc::Sender<Message>, order: Order) {
    let (bot, depth, break_glass) = (order.bot.clone(), order.depth, order.break_glass);
    let message = match operator.isolate(order).await {
        Ok(op) => {
            if break_glass {
                tell(&results, Message::GlassBroken).await;
            }
            Message::OrderTaken { bot, op }
        }
        Err(refusal) => {
            let way = match &refusal {
                Refusal::Protected(_) | Refusal::Collateral { .. } => Way::Name,
                Refusal::NoSink(_) => Way::BreakGlass,
                _ => Way::None,
            };
            Message::OrderRefused { bot, depth, why: refusal.to_string(), way }
        }
    };
    tell(&results, message).await;
}

/// Looks a secret up, and hands it over for each bot that it opens.
async fn identify<O: Operator>(operator: O, secret: LeakedSecret) -> Message {
    let identified = operator.identify(&secret).await;
    hand_over(&operator, &secret, &identified, false);
    Message::Identified { secret, identified }
}

/// Uses it once. Who agreed to a use that mints has agreed to the one after the strike too.
async fn probe<O: Operator>(operator: O, secret: LeakedSecret, identified: Identified, consent: bool) -> Message {
    if consent {
        hand_over(&operator, &secret, &identified, true);
    }
    Message::SecretTried(operator.probe(&secret, &identified, consent).await)
}

fn hand_over<O: Operator>(operator: &O, secret: &LeakedSecret, identified: &Identified, consent: bool) {
    let bots: BTreeSet<&BotName> = identified.owners.iter().filter_map(|owner| owner.bot.as_ref()).collect();
    for bot in bots {
        operator.hand_over(bot, secret, consent);
    }
}

async fn tell(results: &mpsc::Sender<Message>, message: Message) {
    if results.send(message).await.is_err() {
        // The loop has ended: nobody waits for it any more.
    }
}
