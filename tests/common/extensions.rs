//! permessage-deflate by a second and naive reading of RFC 7692 §7.1: whether an answer to offers is legal, and what a
//! response means to the client that gets it.
#![allow(clippy::option_option, reason = "a parameter that is missing is not one without a value")]

/// An element of a list: a name, and parameters with or without a value.
pub(crate) type Element = (String, Vec<(String, Option<String>)>);

/// What is configured, or agreed: `server_no_context_takeover`, `client_no_context_takeover`,
/// `server_max_window_bits`, `client_max_window_bits`.
pub(crate) type Terms = (bool, bool, u8, u8);

/// Takes apart the values of `Sec-WebSocket-Extensions`, which keep to their grammar.
pub(crate) fn elements<T: AsRef<str>>(values: &[T]) -> Vec<Element> {
    let plain = |text: &str| text.trim().replace(['"', '\\'], "");
    let elements = values.iter().flat_map(|value| value.as_ref().split(','));
    let parts = elements.map(|element| element.split(';').map(str::trim).collect::<Vec<_>>());
    parts
        .filter(|parts| parts != &[""])
        .map(|parts| {
            let params = parts.iter().skip(1).map(|part| match part.split_once('=') {
                None => (plain(part), None),
                Some((name, value)) => (plain(name), Some(plain(value))),
            });
            (plain(parts.first().unwrap_or(&"")), params.collect())
        })
        .collect()
}

/// What parameters say; a window's bits that go without a value are `Some(None)`.
#[derive(Clone, Copy, Debug)]
struct Meaning {
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<Option<u8>>,
}

/// What parameters say, if they may stand in an offer or, else, in a response.
fn meaning(params: &[(String, Option<String>)], is_offer: bool) -> Option<Meaning> {
    let all = |name: &str| params.iter().filter(|it| it.0 == name).collect::<Vec<_>>();
    let [server_takeover, client_takeover, server_bits, client_bits] = [
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits",
        "client_max_window_bits",
    ]
    .map(all);
    let known =
        server_takeover.len() + client_takeover.len() + server_bits.len() + client_bits.len();
    let are_distinct = [&server_takeover, &client_takeover, &server_bits, &client_bits]
        .iter()
        .all(|them| them.len() < 2);
    let are_bare = server_takeover.iter().chain(&client_takeover).all(|it| it.1.is_none());
    if known != params.len() || !are_distinct || !are_bare {
        return None;
    }
    let bits = |text: &str| (8..=15_u8).find(|bits| bits.to_string() == text);
    Some(Meaning {
        server_no_context_takeover: !server_takeover.is_empty(),
        client_no_context_takeover: !client_takeover.is_empty(),
        server_max_window_bits: match server_bits.first() {
            None => None,
            Some((_, None)) => return None,
            Some((_, Some(text))) => Some(bits(text)?),
        },
        client_max_window_bits: match client_bits.first() {
            None => None,
            Some((_, None)) if is_offer => Some(None),
            Some((_, None)) => return None,
            Some((_, Some(text))) => Some(Some(bits(text)?)),
        },
    })
}

/// Judges what a server with such a policy answered to such offers, and returns what it has agreed to.
#[track_caller]
pub(crate) fn judge_answer(
    policy: Terms,
    offers: &[Element],
    answer: Option<&str>,
) -> Option<Terms> {
    let (server_takeover, client_takeover, server_bits, client_bits) = policy;
    let offers = offers.iter().filter(|it| it.0 == "permessage-deflate");
    // The first that means something, and under which a client's window can be limited where it has to be.
    let best = offers
        .filter_map(|(_, params)| meaning(params, true))
        .find(|offer| client_bits == 15 || offer.client_max_window_bits.is_some());
    let Some(offer) = best else {
        assert_eq!(answer, None, "there is nothing to accept");
        return None;
    };
    let mut answered = elements(&[answer.expect("there is something to accept")]);
    let (name, params) = answered.pop().expect("an element");
    assert_eq!((&*name, answered.len()), ("permessage-deflate", 0));
    let answer = meaning(&params, false).expect("legal parameters");
    // §7.1.1: what is asked for is done; what is not asked for is done where the policy says so, and not else.
    let wants_server = offer.server_no_context_takeover || server_takeover;
    let wants_client = offer.client_no_context_takeover || client_takeover;
    assert_eq!(answer.server_no_context_takeover, wants_server);
    assert_eq!(answer.client_no_context_takeover, wants_client);
    // §7.1.2.1: who asks is told, and told no more than was asked for.
    let agreed_server = answer.server_max_window_bits.unwrap_or(15);
    assert!(agreed_server <= server_bits, "the policy is kept");
    if let Some(asked) = offer.server_max_window_bits {
        assert!(answer.server_max_window_bits.expect("who asks is told") <= asked);
    } else {
        assert_ne!(answer.server_max_window_bits, Some(15), "nobody has to be told");
    }
    assert_eq!(agreed_server, server_bits.min(offer.server_max_window_bits.unwrap_or(15)));
    // §7.1.2.2: who does not know the parameter is not told, and nobody is allowed more than offered.
    let agreed_client = answer.client_max_window_bits.flatten();
    assert!(offer.client_max_window_bits.is_some() || agreed_client.is_none());
    assert_ne!(agreed_client, Some(15), "nobody has to be told");
    let agreed_client = agreed_client.unwrap_or(15);
    let offered = offer.client_max_window_bits.flatten().unwrap_or(15);
    assert_eq!(agreed_client, offered.min(client_bits));
    Some((wants_server, wants_client, agreed_server, agreed_client))
}

/// Why a client fails the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Extension,
    Repeated,
    Params,
    Terms,
}

/// What the response of a server means to a client with such a policy, which has offered `client_max_window_bits` and
/// what else its policy asks for.
pub(crate) fn judge_response(policy: Terms, selected: &[Element]) -> Result<Option<Terms>, Fault> {
    let (server_takeover, client_takeover, server_bits, client_bits) = policy;
    let mut agreed = None;
    for (name, params) in selected {
        if name != "permessage-deflate" {
            return Err(Fault::Extension);
        }
        if agreed.is_some() {
            return Err(Fault::Repeated);
        }
        let response = meaning(params, false).ok_or(Fault::Params)?;
        let server_window = response.server_max_window_bits.unwrap_or(15);
        let client_window = response.client_max_window_bits.flatten();
        let is_more = (server_takeover && !response.server_no_context_takeover)
            || server_window > server_bits
            || client_window.is_some_and(|bits| bits > client_bits);
        if is_more {
            return Err(Fault::Terms);
        }
        agreed = Some((
            response.server_no_context_takeover,
            response.client_no_context_takeover || client_takeover,
            server_window,
            client_window.unwrap_or(client_bits),
        ));
    }
    Ok(agreed)
}
