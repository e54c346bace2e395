//! 200 steps under faults and a rate limit, beside `curl --parallel` with and without retries in the same run.
//!
//! The server takes 200 requests in any second and refuses the rest with 429; of the others 3 % are answered with 503,
//! 2 % lose their connection (half of them after they were done), 1 % are never answered.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use estop::{
    domain::{BotName, Outcome, StepState},
    engine::{Clock, Limits, Order, Provider, Rate, SystemClock},
    journal::fold,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{
    engine_of, ms,
    provider::{Bench, CONCURRENT},
    server::{DELAY, head},
};

/// Steps, gate included.
const STEPS: usize = 200;
/// Requests that the server takes in any second.
const LIMIT: u32 = 200;
/// Time-out of one request.
const DEADLINE: Duration = Duration::from_secs(2);

/// What the server knows.
#[derive(Default)]
struct Truth {
    shut: bool,
    alive: BTreeSet<String>,
    window: VecDeque<Instant>,
    requests: usize,
    throttled: usize,
    faults: usize,
    seed: u64,
}

enum Fate {
    Fine,
    Throttled,
    Busy,
    LostBefore,
    LostAfter,
    Hung,
}

impl Truth {
    fn fresh(seed: u64) -> Self {
        let alive = (1..STEPS).map(|number| number.to_string()).collect();
        Self { alive, seed: seed | 1, ..Self::default() }
    }

    fn draw(&mut self) -> u64 {
        self.seed ^= self.seed >> 12;
        self.seed ^= self.seed << 25;
        self.seed ^= self.seed >> 27;
        (self.seed.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % 1000
    }

    fn fate(&mut self) -> Fate {
        self.requests += 1;
        let now = Instant::now();
        while self.window.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(1)) {
            self.window.pop_front();
        }
        if self.window.len() >= LIMIT as usize {
            self.throttled += 1;
            return Fate::Throttled;
        }
        self.window.push_back(now);
        let fate = match self.draw() {
            0..30 => Fate::Busy,
            30..40 => Fate::LostBefore,
            40..50 => Fate::LostAfter,
            50..60 => Fate::Hung,
            _ => return Fate::Fine,
        };
        self.faults += 1;
        fate
    }

    /// The status of a request that is done, and its body.
    fn apply(&mut self, target: &str) -> (u16, String) {
        if target.starts_with("/gate") {
            self.shut = true;
        } else if let Some(number) = target.strip_prefix("/revoke/") {
            if !self.alive.remove(number) {
                return (404, String::new());
            }
        } else {
            let body = serde_json::json!({ "shut": self.shut, "alive": self.alive });
            return (200, body.to_string());
        }
        (200, String::new())
    }

    fn left(&self) -> usize {
        self.alive.len() + usize::from(!self.shut)
    }
}

type Shared = Arc<Mutex<Truth>>;

async fn start(truth: Shared) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, truth.clone()));
        }
    });
    url
}

async fn serve(stream: TcpStream, truth: Shared) {
    let _ = stream.set_nodelay(true);
    let mut stream = BufReader::new(stream);
    while let Some((target, length)) = head(&mut stream).await {
        let mut body = vec![0; length];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        let fate = truth.lock().unwrap().fate();
        tokio::time::sleep(DELAY).await;
        let (status, retry, body) = match fate {
            Fate::Fine => {
                let (status, body) = truth.lock().unwrap().apply(&target);
                (status, "", body)
            }
            Fate::Throttled => (429, "Retry-After: 1\r\n", String::new()),
            Fate::Busy => (503, "", String::new()),
            Fate::LostBefore => return,
            Fate::LostAfter => {
                truth.lock().unwrap().apply(&target);
                return;
            }
            Fate::Hung => {
                // Until the client hangs up.
                let _ = stream.read_u8().await;
                return;
            }
        };
        let answer = format!("HTTP/1.1 {status} X\r\n{retry}Content-Length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Runs it and fails where the target is missed.
pub async fn faults(folder: &Path) {
    let seed = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
    let limiter = Duration::from_secs(1) * u32::try_from(STEPS).unwrap() / LIMIT;
    let bound = limiter.max(DEADLINE + DELAY);
    println!(
        "\n{STEPS} steps, 3 % 503, 2 % dropped, 1 % hung, {LIMIT} requests/s; bound {:.0} ms (seed {seed})",
        ms(bound)
    );
    println!("{:<28} {:>6} {:>9} {:>6} {:>8} {:>6}", "", "alive", "requests", "429s", "ms", "ratio");
    let row = |name: &str, truth: &Truth, time: Duration| {
        let ratio = time.as_secs_f64() / bound.as_secs_f64();
        println!(
            "{name:<28} {:>6} {:>9} {:>6} {:>8.0} {ratio:>6.2}",
            truth.left(),
            truth.requests,
            truth.throttled,
            ms(time)
        );
    };
    let truth: Shared = Arc::new(Mutex::new(Truth::fresh(seed)));
    let url = start(truth.clone()).await;
    for (name, rate) in [("estop, rate declared", Some(Rate::per_second(LIMIT))), ("estop, rate not declared", None)] {
        *truth.lock().unwrap() = Truth::fresh(seed);
        let time = isolate(folder, &url, &truth, rate).await;
        let truth = truth.lock().unwrap();
        row(name, &truth, time);
        assert!(truth.faults > 0, "{name}: nothing failed");
        assert_eq!(truth.left(), 0, "{name}: something is alive");
        assert!(truth.throttled * 10 <= truth.requests, "{name}: more than a tenth of the requests were refused");
        assert!(time <= bound * 2, "{name}: it took more than twice the bound");
    }
    for (name, retries) in [("curl --parallel", "0"), ("curl --parallel --retry 5", "5")] {
        *truth.lock().unwrap() = Truth::fresh(seed);
        let target = url.clone();
        let time = tokio::task::spawn_blocking(move || curl(&target, retries)).await.unwrap();
        row(name, &truth.lock().unwrap(), time);
    }
}

/// From the key to the last step's proof; every step must be proved.
async fn isolate(folder: &Path, url: &str, truth: &Shared, rate: Option<Rate>) -> Duration {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    // As many at once as the peer; a provider that declares no rate is asked as gently as a Keycloak.
    let concurrent_writes = if rate.is_some() { CONCURRENT } else { 16 };
    let limits = Limits { concurrent_writes, concurrent_reads: 8, deadline: DEADLINE, rate, ..Limits::default() };
    let bench: Arc<dyn Provider> = Arc::new(Bench::reading(url, limits, clock.clone()));
    let engine = engine_of(folder, bench, clock).await;
    let bot = BotName::new("bot");
    while engine.snapshot().bot(&bot).is_none_or(|view| view.plan.steps.len() < STEPS) {
        engine.refresh().await;
    }
    // What the refresh has used of this second is not the isolation's.
    tokio::time::sleep(Duration::from_secs(1)).await;
    {
        let mut truth = truth.lock().unwrap();
        (truth.requests, truth.throttled, truth.faults) = (0, 0, 0);
    }
    let ended = engine.isolate(Order::isolate(bot)).await.unwrap().ended().await.unwrap();
    assert_eq!(ended.outcome, Outcome::Dark, "it is not proved");
    let incident = engine.store().incidents().unwrap()[0];
    let operation = &fold(incident, &engine.store().read(incident).unwrap().records).operations[0];
    let proved = operation.steps.values().filter(|record| record.state == StepState::Verified).count();
    assert_eq!(proved, STEPS, "not every step is proved");
    Duration::from_millis(ended.time_to_verified_ms.unwrap())
}

/// The peer, as patient with one request as estop is.
fn curl(url: &str, retries: &str) -> Duration {
    let mut config = String::new();
    let gate = std::iter::once("gate/bot".to_owned());
    for target in gate.chain((1..STEPS).map(|number| format!("revoke/{number}"))) {
        write!(config, "url = \"{url}{target}\"\nrequest = POST\noutput = /dev/null\n").unwrap();
    }
    let deadline = DEADLINE.as_secs().to_string();
    let mut child = Command::new("curl")
        .args(["--silent", "--no-progress-meter", "--parallel", "--parallel-immediate", "--parallel-max", "100"])
        .args(["--max-time", &deadline, "--retry", retries, "--retry-all-errors", "--config", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), config.as_bytes()).unwrap();
    // It fails where a request did; what is alive afterwards is what counts.
    child.wait().unwrap();
    began.elapsed()
}
