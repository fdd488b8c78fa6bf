//! A packet as it was captured, taken apart down to its segment of TCP.

use core::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::Linktype;

/// A segment of TCP (RFC 9293 §3.1).
#[derive(Debug)]
pub struct Segment<'a> {
    pub source: SocketAddr,
    pub destination: SocketAddr,
    pub sequence: u32,
    /// What the sender has of the other direction.
    pub acknowledgment: Option<u32>,
    pub syn: bool,
    pub fin: bool,
    pub rst: bool,
    pub data: &'a [u8],
}

/// Why a packet gives no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// It is of another protocol, or of none that can be made out.
    Protocol,
    /// It is a fragment of a packet of IP.
    Fragment,
    /// Packets of this link type are not known here.
    LinkType(Linktype),
}

/// Finds the segment in a packet.
pub fn segment(link: Linktype, packet: &[u8]) -> Result<Segment<'_>, Other> {
    let parts = slice(link, packet)?;
    let (source, destination, is_fragment) = match parts.net.as_ref().ok_or(Other::Protocol)? {
        LaxNetSlice::Ipv4(ip) => (
            IpAddr::from(ip.header().source_addr()),
            IpAddr::from(ip.header().destination_addr()),
            ip.is_payload_fragmented(),
        ),
        LaxNetSlice::Ipv6(ip) => (
            IpAddr::from(ip.header().source_addr()),
            IpAddr::from(ip.header().destination_addr()),
            ip.is_payload_fragmented(),
        ),
        LaxNetSlice::Arp(_) => return Err(Other::Protocol),
    };
    match parts.transport {
        Some(TransportSlice::Tcp(tcp)) => Ok(Segment {
            source: SocketAddr::new(source, tcp.source_port()),
            destination: SocketAddr::new(destination, tcp.destination_port()),
            sequence: tcp.sequence_number(),
            acknowledgment: tcp.ack().then(|| tcp.acknowledgment_number()),
            syn: tcp.syn(),
            fin: tcp.fin(),
            rst: tcp.rst(),
            data: tcp.payload(),
        }),
        _ if is_fragment => Err(Other::Fragment),
        _ => Err(Other::Protocol),
    }
}

fn slice(link: Linktype, packet: &[u8]) -> Result<LaxSlicedPacket<'_>, Other> {
    /// What stands behind a header of `len` bytes, with its EtherType at `at`.
    fn typed(packet: &[u8], at: usize, len: usize) -> Option<LaxSlicedPacket<'_>> {
        let ether_type = packet.get(at..)?.first_chunk()?;
        let ether_type = EtherType(u16::from_be_bytes(*ether_type));
        Some(LaxSlicedPacket::from_ether_type(ether_type, packet.get(len..)?))
    }
    let ip = |packet| LaxSlicedPacket::from_ip(packet).ok();
    let parts = match link {
        Linktype::ETHERNET => LaxSlicedPacket::from_ethernet(packet).ok(),
        // Four bytes tell the address family, in the order and by the number of the machine that captured it; the
        // version of IP tells the same.
        Linktype::NULL | Linktype::LOOP => packet.get(4..).and_then(ip),
        // 12 and 14 are what some systems write for it.
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 | Linktype(12 | 14) => ip(packet),
        Linktype::LINUX_SLL => typed(packet, 14, 16),
        Linktype::LINUX_SLL2 => typed(packet, 0, 20),
        _ => return Err(Other::LinkType(link)),
    };
    parts.ok_or(Other::Protocol)
}
