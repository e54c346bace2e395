//! The statements that estop reads with, their columns, and rows for them: sound ones, and ones drawn from bytes.

/// One value as it is sent; `None`: NULL.
pub type Value = Option<Vec<u8>>;

/// A column's type.
#[derive(Debug, Clone, Copy)]
pub enum Column {
    Bool,
    Int4,
    Int8,
    Oid,
    Text,
    Names,
}

use Column::{Bool, Int4, Int8, Names, Oid, Text};

impl Column {
    /// Its OID: <https://github.com/postgres/postgres/blob/REL_15_STABLE/src/include/catalog/pg_type.dat>.
    pub const fn oid(self) -> u32 {
        match self {
            Bool => 16,
            Int8 => 20,
            Int4 => 23,
            Text => 25,
            Oid => 26,
            Names => 114,
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statement {
    Roles,
    Edges,
    Console,
    Sessions,
    Privileges,
    Elsewhere,
    Leftovers,
    Password,
    Unknown,
}

impl Statement {
    /// By words that only that statement has.
    pub fn of(text: &str) -> Self {
        let marks = [
            ("rolsuper, rolinherit", Self::Roles),
            ("to_jsonb(m)", Self::Edges),
            ("server_version_num", Self::Console),
            ("leader_pid", Self::Sessions),
            ("aclexplode(list)", Self::Privileges),
            ("'elsewhere'", Self::Elsewhere),
            ("'definer'", Self::Leftovers),
            ("SELECT rolpassword", Self::Password),
        ];
        marks.into_iter().find(|(mark, _)| text.contains(mark)).map_or(Self::Unknown, |(_, statement)| statement)
    }

    /// What its rows are made of.
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Roles => &[Oid, Text, Bool, Bool, Bool, Bool, Bool, Bool, Bool, Int4, Int8, Text],
            Self::Edges => &[Oid, Oid, Oid, Bool, Bool, Bool],
            Self::Console => &[Oid, Int4, Text, Bool, Bool, Int8, Bool],
            Self::Sessions => &[Int4, Oid, Text, Text, Text, Text, Int8, Text, Text, Int8],
            Self::Privileges | Self::Elsewhere => &[Text, Text, Text, Oid, Oid, Bool, Int8, Names],
            Self::Leftovers => &[Text, Text],
            Self::Password => &[Text],
            Self::Unknown => &[],
        }
    }

    /// The rows of a server with one bot, its owner, its group and one session.
    pub fn sound(self) -> Vec<Vec<Value>> {
        let (no, yes, null) = (Some(vec![0]), Some(vec![1]), None);
        let int = |number: i32| Some(number.to_be_bytes().to_vec());
        let long = |number: i64| Some(number.to_be_bytes().to_vec());
        let text = |text: &str| Some(text.as_bytes().to_vec());
        let role = |oid: i32, name: &str, login: &Value| {
            let flags = [no.clone(), yes.clone(), no.clone(), no.clone(), login.clone(), no.clone(), no.clone()];
            [&[int(oid), text(name)][..], &flags, &[int(-1), null.clone(), text("estop.bot")]].concat()
        };
        let edge = |of: i32, member: i32| vec![int(of), int(member), int(10), no.clone(), yes.clone(), yes.clone()];
        match self {
            Self::Roles => vec![
                role(16_384, "estop", &yes),
                role(16_385, "kb", &yes),
                role(16_386, "alice", &yes),
                role(3375, "pg_read_all_stats", &no),
                role(6181, "pg_read_all_data", &no),
            ],
            Self::Edges => vec![edge(16_385, 16_386), edge(6181, 16_385), edge(3375, 16_384)],
            Self::Console => {
                vec![vec![int(16_384), int(150_018), text("docs"), yes.clone(), yes.clone(), long(9), yes]]
            }
            Self::Sessions => vec![vec![
                int(400),
                int(16_385),
                text("docs"),
                text("kb; on_behalf_of=carol"),
                text("10.0.0.7"),
                text("client backend"),
                long(7),
                text("idle"),
                text("SELECT"),
                long(8),
            ]],
            Self::Privileges => vec![vec![
                text("table"),
                text("docs"),
                text("SELECT"),
                int(16_385),
                int(10),
                no,
                long(2),
                text(r#"["pages", "notes"]"#),
            ]],
            Self::Leftovers => {
                vec![vec![text("definer"), text("docs.f()")], vec![text("mapping"), text("files")]]
            }
            Self::Password => vec![vec![text("SCRAM-SHA-256$1:AA==$AA==:AA==")]],
            Self::Elsewhere | Self::Unknown => Vec::new(),
        }
    }

    /// Rows out of bytes; every statement begins elsewhere in them.
    pub fn drawn(self, bytes: &[u8]) -> Vec<Vec<Value>> {
        let mut draw = Draw { bytes, at: bytes.len() * self as usize / (Self::Unknown as usize) };
        (0..draw.byte() % 7).map(|_| self.columns().iter().map(|column| draw.value(*column)).collect()).collect()
    }
}

/// Words that something depends on.
const WORDS: [&str; 24] = [
    "",
    "kb",
    "estop",
    "pg_read_all_data",
    "pg_execute_server_program",
    "pg_signal_backend",
    "PUBLIC",
    "OWNER",
    "SELECT",
    "table",
    "future",
    "elsewhere",
    "definer",
    "prepared",
    "subscription",
    "pg_catalog",
    "pg_authid",
    "client backend",
    "estop.bot estop.owner=a=b estop.",
    "x; on_behalf_of=alice",
    "SCRAM-SHA-256$2:AA==$AA==:AA==",
    "SCRAM-SHA-256$4294967295:AA==$AA==:AA==",
    "md5d41d8cd98f00b204e9800998ecf8427e",
    "\u{202e}\u{1b}]52;c;aGk=\u{7}",
];

/// Takes values out of bytes; past their end all are zero.
struct Draw<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Draw<'_> {
    fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        byte
    }

    fn some(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }

    fn text(&mut self) -> Vec<u8> {
        match usize::from(self.byte()) {
            short @ 0..32 => self.some(short),
            word => WORDS[word % WORDS.len()].as_bytes().to_vec(),
        }
    }

    fn value(&mut self, column: Column) -> Value {
        let first = self.byte();
        // Few OIDs, so that memberships meet, and go round in circles.
        let small = first % 8;
        Some(match (column, first) {
            (_, 240..) => return None,
            (Bool, _) => vec![first & 1],
            (Oid, 0..224) => (16_380 + u32::from(small)).to_be_bytes().to_vec(),
            (Int4, 0..128) => {
                [-1, 0, 1, 90_000, 150_018, 160_004, i32::MIN, i32::MAX][usize::from(small)].to_be_bytes().to_vec()
            }
            (Int8, 0..128) => {
                [-1, 0, 1, 9, i64::MIN, i64::MAX, 1 << 40, -(1 << 55)][usize::from(small)].to_be_bytes().to_vec()
            }
            (Oid | Int4, _) => self.some(4),
            (Int8, _) => self.some(8),
            (Names, 0..200) => format!("{:?}", vec![String::from_utf8_lossy(&self.text()); usize::from(small)]).into(),
            (Text | Names, _) => self.text(),
        })
    }
}
