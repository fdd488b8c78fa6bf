//! The types as values: what may cross threads, what is printed of them and what is not.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]

mod common;

use core::error::Error;
use core::fmt::Debug;
use core::hash::Hash;

use common::{Log, Machine, SEED, To, Wire, ends};
use websocket_proto::{
    Accept, ClientHandshake, ClientRequest, Close, CloseCode, Config, Connection, ControlPayload,
    Failure, FrameHeader, FrameStart, HandshakeConfig, HandshakeError, Mask, Negotiated, Next,
    Opcode, ProtocolError, Role, ServerHandshake, SliceOutput, Timeout, UsageError,
};

fn crosses_threads<T: Send + Sync>() {}
fn outlives_all<T: Send + Sync + 'static>() {}
fn is_a_value<T: Copy + Debug + PartialEq + Send + Sync + 'static>() {}
fn is_an_error<T: Error + Copy + PartialEq + Send + Sync + 'static>() {}
fn is_a_key<T: Eq + Hash>() {}

#[test]
fn machines_cross_threads_row_111() {
    outlives_all::<Connection>();
    outlives_all::<FrameStart>();
    outlives_all::<Negotiated<'static>>();
    #[cfg(feature = "alloc")]
    {
        outlives_all::<websocket_proto::WebSocket>();
        outlives_all::<websocket_proto::Prepared>();
    }
}

/// Has the compiler check types of the crate, each with the feature that it needs.
macro_rules! cross_threads {
    ($($(#[$feature:meta])? $name:ident $(<$lifetime:lifetime $(, $of:ty)?>)?,)*) => {
        const CROSSING: &[&str] = &[$(stringify!($name)),*];

        #[test]
        fn all_types_cross_threads_row_111() {
            $($(#[$feature])? crosses_threads::<websocket_proto::$name $(<$lifetime $(, $of)?>)?>();)*
        }
    };
}

cross_threads! {
    Accept<'_>,
    Backlog<'_, Vec<u8>>,
    Chunk<'_>,
    ChunkEvent<'_>,
    ClientHandshake,
    ClientRequest<'_>,
    Close,
    CloseCode,
    #[cfg(feature = "deflate")] Compress,
    Config,
    ConnectRequest<'_>,
    ConnectResponse<'_>,
    Connection,
    ControlPayload,
    #[cfg(feature = "deflate")] DeflateConfig,
    #[cfg(feature = "deflate")] DeflateParams,
    #[cfg(feature = "alloc")] Event<'_>,
    Extension<'_>,
    #[cfg(feature = "deflate")] ExtensionValue,
    Failure,
    FrameHeader,
    FrameStart,
    HandshakeConfig,
    HandshakeError,
    HeaderBytes,
    Mask,
    MessageKind,
    Negotiated<'_>,
    Next,
    Opcode,
    #[cfg(feature = "alloc")] Prepared,
    ProtocolError,
    Request<'_>,
    Response<'_>,
    Role,
    ServerHandshake,
    SliceOutput<'_>,
    Supported<'_>,
    SwitchingResponse<'_>,
    Timeout,
    UsageError,
    #[cfg(feature = "alloc")] WebSocket,
}

/// What the crate exports is all in the list, but for a trait.
#[test]
fn the_list_of_types_is_complete_row_111() {
    let lib = include_str!("../src/lib.rs");
    let exports = lib.split("pub use ").skip(1).map(|export| export.split(';').next().unwrap());
    let mut types: Vec<&str> = exports
        .flat_map(|export| export.split(|letter: char| !letter.is_alphanumeric()))
        .filter(|name| name.starts_with(char::is_uppercase) && *name != "Output")
        .collect();
    types.sort_unstable();
    assert_eq!(types, CROSSING);
}

#[test]
fn values_are_values_row_110_111() {
    is_an_error::<Failure>();
    is_an_error::<ProtocolError>();
    is_an_error::<HandshakeError>();
    is_an_error::<UsageError>();
    is_a_value::<Timeout>();
    is_a_value::<Config>();
    is_a_value::<Next>();
    is_a_value::<Close>();
    is_a_value::<ControlPayload>();
    is_a_value::<FrameHeader>();
    is_a_value::<Mask>();
    is_a_key::<CloseCode>();
    is_a_key::<ProtocolError>();
    is_a_key::<Role>();
}

/// What a peer sent comes into no message but as numbers.
#[test]
fn errors_are_printed_without_the_peers_bytes_row_110() {
    let protocol = [
        ProtocolError::ReservedBits,
        ProtocolError::ReservedOpcode(15),
        ProtocolError::UnmaskedFrame,
        ProtocolError::MaskedFrame,
        ProtocolError::NonMinimalLength,
        ProtocolError::LengthOverflow,
        ProtocolError::ControlTooLong,
        ProtocolError::FragmentedControl,
        ProtocolError::UnexpectedContinuation,
        ProtocolError::InterleavedMessage,
        ProtocolError::InvalidUtf8,
        ProtocolError::TruncatedCloseCode,
        ProtocolError::InvalidCloseCode(65_535),
        ProtocolError::InvalidCloseReason,
        ProtocolError::MessageTooLong,
        ProtocolError::TooManyFragments,
    ];
    let timeouts = [Timeout::Opening, Timeout::Idle, Timeout::Keepalive, Timeout::Closing];
    let usage = [
        UsageError::OutputFull { needed: 1 },
        UsageError::Closed,
        UsageError::MessageInProgress,
        UsageError::ControlTooLong,
        UsageError::FragmentedControl,
        UsageError::LengthOverflow,
        UsageError::InvalidUtf8,
        UsageError::InvalidCloseCode,
        UsageError::UnmaskedFrame,
        UsageError::InvalidConfig,
        UsageError::InvalidUri,
        UsageError::InvalidFieldName,
        UsageError::InvalidFieldValue,
        UsageError::InvalidSubprotocol,
        UsageError::SubprotocolNotOffered,
        UsageError::TooManySubprotocols,
        UsageError::InvalidStatus,
        UsageError::AlreadyAnswered,
    ];
    let failures = protocol.into_iter().map(Failure::Protocol);
    let failures = failures.chain(timeouts.into_iter().map(Failure::TimedOut));
    let failures = failures.chain([Failure::Eof, Failure::OutOfMemory]);
    let failures = failures.chain(HANDSHAKE_ERRORS.map(Failure::Handshake));
    let failures: Vec<String> = failures.map(|error| error.to_string()).collect();
    let refusals: Vec<String> = usage.iter().map(ToString::to_string).collect();
    for text in failures.iter().chain(&refusals) {
        let is_plain = |letter: char| letter == '§' || letter == ' ' || letter.is_ascii_graphic();
        assert!(!text.is_empty() && text.chars().all(is_plain), "{text:?}");
        let fields = ["Connection", "Content-Length", "Transfer-Encoding", "Sec-WebSocket-"];
        let names_field = fields.iter().any(|field| text.starts_with(field));
        let is_lower = names_field || !text.starts_with(char::is_uppercase);
        assert!(is_lower && !text.ends_with('.'), "{text:?}");
    }
    for texts in [failures, refusals] {
        let distinct: std::collections::BTreeSet<&String> = texts.iter().collect();
        assert_eq!(distinct.len(), texts.len(), "every error has words of its own");
    }
    for error in HANDSHAKE_ERRORS {
        let text = error.to_string();
        assert!(text.starts_with(error.as_str()) && error.as_str().is_ascii(), "{text:?}");
        // Whoever passes it on says the same.
        assert_eq!(UsageError::NotAnUpgrade(error).to_string(), text);
        assert_eq!(Failure::from(error), Failure::Handshake(error));
        assert_eq!(Failure::from(error).close_code(), CloseCode::ABNORMAL);
    }
    assert!(HandshakeError::UnexpectedStatus(302).to_string().contains("302"));
    assert!(UsageError::OutputFull { needed: 4711 }.to_string().contains("4711"));
}

const HANDSHAKE_ERRORS: [HandshakeError; 32] = [
    HandshakeError::InvalidStartLine,
    HandshakeError::UnsupportedHttpVersion,
    HandshakeError::InvalidTarget,
    HandshakeError::InvalidLineEnd,
    HandshakeError::InvalidFieldName,
    HandshakeError::InvalidFieldValue,
    HandshakeError::FoldedLine,
    HandshakeError::InvalidHost,
    HandshakeError::InvalidContentLength,
    HandshakeError::TransferEncoding,
    HandshakeError::UnexpectedContent,
    HandshakeError::TargetTooLong,
    HandshakeError::HeadTooLong,
    HandshakeError::StorageFull,
    HandshakeError::TooManyFields,
    HandshakeError::MethodNotAllowed,
    HandshakeError::NoUpgrade,
    HandshakeError::NoConnectionUpgrade,
    HandshakeError::InvalidVersion,
    HandshakeError::UnsupportedProtocol,
    HandshakeError::UnsupportedVersion,
    HandshakeError::InvalidKey,
    HandshakeError::InvalidSubprotocols,
    HandshakeError::TooManySubprotocols,
    HandshakeError::InvalidExtensions,
    HandshakeError::UnexpectedStatus(302),
    HandshakeError::InvalidAccept,
    HandshakeError::SubprotocolNotOffered,
    HandshakeError::ExtensionNotOffered,
    HandshakeError::ExtensionRepeated,
    HandshakeError::InvalidExtensionParams,
    HandshakeError::ExtensionParamsNotOffered,
];

/// §7.4.1, and the registry that §11.7 founds.
#[test]
fn close_codes_have_the_names_of_the_registry_row_68() {
    let names = [
        (1000, "NORMAL"),
        (1001, "GOING_AWAY"),
        (1002, "PROTOCOL_ERROR"),
        (1003, "UNSUPPORTED_DATA"),
        (1005, "NO_STATUS"),
        (1006, "ABNORMAL"),
        (1007, "INVALID_DATA"),
        (1008, "POLICY_VIOLATION"),
        (1009, "MESSAGE_TOO_BIG"),
        (1010, "MANDATORY_EXTENSION"),
        (1011, "INTERNAL_ERROR"),
        (1012, "SERVICE_RESTART"),
        (1013, "TRY_AGAIN_LATER"),
        (1014, "BAD_GATEWAY"),
        (1015, "TLS_HANDSHAKE"),
    ];
    for number in 0..=u16::MAX {
        let code = CloseCode::from(number);
        let name = names.iter().find(|(it, _)| *it == number).map(|(_, name)| *name);
        assert_eq!((u16::from(code), code.name()), (number, name));
        let debug = name.map_or(String::new(), |name| format!(" {name}"));
        assert_eq!(format!("{code:?}"), format!("CloseCode({number}{debug})"));
        assert_eq!(format!("{code} {code:>6}"), format!("{number} {number:>6}"));
    }
}

#[test]
fn payloads_and_headers_are_their_bytes() {
    let payloads = [&b""[..], b"a", b"b", b"ab", &[0; 125]];
    for (one, bytes) in payloads.map(|it| ControlPayload::new(it).unwrap()).iter().zip(payloads) {
        assert_eq!((one.as_ref(), &**one), (bytes, bytes));
        for other in payloads {
            assert_eq!(*one == ControlPayload::new(other).unwrap(), bytes == other);
        }
    }
    let header = FrameHeader::new(Opcode::Binary, 256).encode().unwrap();
    assert_eq!((header.as_ref(), &*header), (&b"\x82\x7E\x01\x00"[..], &b"\x82\x7E\x01\x00"[..]));
    assert_eq!(format!("{header:?}"), "[130, 126, 1, 0]");
}

#[test]
fn debug_output_holds_no_key_material_row_111() {
    let numbers = |bytes: &[u8]| format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
    let mut client = Connection::open(Negotiated::client(SEED), Config::default());
    let mut texts = vec![
        format!("{:?}", Negotiated::client(SEED)),
        format!("{client:?}"),
        format!("{client:#?}"),
    ];
    let mut out = Wire::new();
    Machine::send_text(&mut client, "x", &mut out).unwrap();
    texts.push(format!("{client:?}"));
    texts.push(format!("{:?}", Mask::new([201, 202, 203, 204])));
    assert_eq!(texts.last().unwrap(), "Mask { .. }");
    #[cfg(feature = "alloc")]
    {
        let ws = websocket_proto::WebSocket::open(Negotiated::client(SEED), Config::default());
        texts.push(format!("{ws:?}"));
    }
    // The key that comes after the first lies ready in the machine.
    let mut after = Connection::open(Negotiated::client(SEED), Config::default());
    let mut secrets = Vec::new();
    for _ in 0..4 {
        let mut out = Wire::new();
        Machine::send_text(&mut after, "x", &mut out).unwrap();
        secrets.push(out.bytes[2..6].to_vec());
    }
    secrets.push(SEED[..4].to_vec());
    secrets.push(SEED[16..20].to_vec());
    secrets.push(vec![201, 202, 203, 204]);
    for text in texts {
        for secret in &secrets {
            assert!(!text.contains(&numbers(secret)), "{text}");
            let word: [u8; 4] = secret[..].try_into().unwrap();
            for number in
                [u32::from_ne_bytes(word), u32::from_be_bytes(word), u32::from_le_bytes(word)]
            {
                assert!(!text.contains(&number.to_string()), "{text}");
            }
        }
        let longer: [u8; 8] = SEED[..8].try_into().unwrap();
        assert!(!text.contains(&u64::from_le_bytes(longer).to_string()), "{text}");
        assert!(!text.contains("thirty-two"), "{text}");
    }
}

/// A mask of the peer's on a payload in progress is no secret of ours, and yet is not printed either.
#[test]
fn debug_output_of_a_machine_in_progress_row_111() {
    for mut machine in ends(Role::Server, Config::default()) {
        let frame = To(Role::Server).keyed(0x81, b"payload", [201, 202, 203, 204]);
        machine.take(&frame[..9], &mut Wire::new(), &mut Log::default());
    }
    let mut server = Connection::open(Negotiated::server(), Config::default());
    let mut frame = To(Role::Server).keyed(0x81, b"payload", [201, 202, 203, 204]);
    let _ = server.receive(&mut &mut frame[..9], &mut Wire::new());
    assert!(!format!("{server:?}").contains("201, 202, 203, 204"));
}

/// What was said last lies in a buffer that is kept, and what comes in one that is to be inflated.
#[cfg(feature = "deflate")]
#[test]
fn debug_output_holds_no_compressed_message_row_111() {
    use websocket_proto::{DeflateConfig, WebSocket};

    let config = DeflateConfig::default().threshold(0);
    let open = |role| {
        WebSocket::open(
            common::opened(role).with_deflate(config.params(), config),
            Config::default(),
        )
    };
    let (mut server, mut client) = (open(Role::Server), open(Role::Client));
    // It does not shrink by much.
    let mut state = 1_u32;
    let digits = core::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from_digit(state >> 27, 32).unwrap()
    });
    let (text, mut out): (String, _) = (digits.take(50_000).collect(), Vec::new());
    server.send_text(&text, &mut out).unwrap();
    server.send_binary(text.as_bytes(), &mut out).unwrap();
    let (mut input, mut scratch) = (&mut out[..], Vec::new());
    let mut texts = vec![format!("{server:?}")];
    client.receive(&mut input, &mut Vec::new()).unwrap();
    texts.push(format!("{client:?}"));
    client.receive_chunk(&mut input, &mut scratch, &mut Vec::new()).unwrap();
    texts.push(format!("{client:?}"));
    for text in &texts {
        assert!(text.len() < 2_000, "{text}");
        assert!(text.contains("which: Worthwhile, threshold: 0, is_on: "), "{text}");
    }
    assert!(texts[2].contains("Stream { utf8: None, is_begun: true, room: "), "{}", texts[2]);
}

#[test]
fn config_refuses_nonsense_row_116() {
    let config = Config::default();
    let (second, zero) = (common::secs(1), common::secs(0));
    let refused = Err(UsageError::InvalidConfig);
    assert_eq!(config.message_limit(0), refused);
    assert_eq!(config.fragment_limit(0), refused);
    assert_eq!(config.high_water_mark(0), refused);
    assert_eq!(config.high_water_mark(130), refused);
    assert_eq!(config.keepalive(zero, second), refused);
    assert_eq!(config.keepalive(second, zero), refused);
    assert_eq!(config.idle_timeout(zero), refused);
    assert!(config.message_limit(1).is_ok());
    assert!(config.high_water_mark(131).is_ok());
    assert!(config.high_water_mark(usize::MAX).is_ok());
    assert!(config.keepalive(second, second).is_ok());
}

#[test]
fn config_has_the_documented_defaults() {
    let (mib, documented) = (1 << 20, Config::default());
    let documented = documented.message_limit(16 * mib).unwrap();
    let documented = documented.fragment_limit(u32::MAX).unwrap();
    let documented = documented.high_water_mark(65_536).unwrap();
    let documented = documented.recycle_limit(1_048_576).closing_timeout(common::secs(10));
    assert_eq!(Config::default(), documented.answer_pings(true).answer_close(true));
}

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// A connection is opened with a `Negotiated`, and a handshake that failed or was refused gives none, now or later.
#[test]
fn server_opens_nothing_after_a_failed_handshake_row_109() {
    let (mut storage, mut answer) = ([0; 1000], [0; 1000]);
    let mut head = SliceOutput::new(&mut storage);
    let mut out = SliceOutput::new(&mut answer);
    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    let mut bad = *b"GET / HTTP/1.1\nHost: h\r\n\r\n";
    let error = handshake.receive(&mut &mut bad[..], &mut head).unwrap_err();
    for _ in 0..3 {
        let mut good = REQUEST.as_bytes().to_vec();
        let mut input = &mut good[..];
        assert_eq!(handshake.receive(&mut input, &mut head).unwrap_err(), error);
        assert!(input.is_empty());
    }
    assert_eq!(handshake.poll(common::secs(0)), Next::End(Err(Failure::Handshake(error))));

    let mut handshake = ServerHandshake::new(HandshakeConfig::default());
    let mut good = REQUEST.as_bytes().to_vec();
    let mut request = handshake.receive(&mut &mut good[..], &mut head).unwrap().unwrap();
    request.reject(403, &[], b"", &mut out).unwrap();
    for _ in 0..3 {
        let refused = request.accept(Accept::new(), &mut out).unwrap_err();
        assert_eq!(refused, UsageError::AlreadyAnswered);
    }
    assert!(out.written().starts_with(b"HTTP/1.1 403"));
}

#[test]
fn client_opens_nothing_after_a_failed_handshake_row_109() {
    for bad in [
        "HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
    ] {
        let (mut storage, mut request) = ([0; 1000], [0; 1000]);
        let mut head = SliceOutput::new(&mut storage);
        let mut out = SliceOutput::new(&mut request);
        let asked = ClientRequest::new("ws://h/").unwrap();
        let mut handshake = ClientHandshake::new(asked, SEED, &mut out).unwrap();
        let mut bad = bad.as_bytes().to_vec();
        match handshake.receive(&mut &mut bad[..], &mut head) {
            Err(error) => {
                let mut again = *b"HTTP/1.1 200 OK\r\n\r\n";
                let mut input = &mut again[..];
                assert_eq!(handshake.receive(&mut input, &mut head).unwrap_err(), error);
                assert!(input.is_empty());
            }
            Ok(response) => {
                let mut response = response.unwrap();
                for _ in 0..3 {
                    assert!(response.accept().is_err());
                }
            }
        }
    }
}
