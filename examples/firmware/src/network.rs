//! The IP side: the addresses that QEMU's user network hands out, fixed here for want of DHCP.

use core::time::Duration;

use smoltcp::iface::{Config, Interface, PollIngressSingleResult, SocketSet};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr, Ipv4Address};

use crate::board;
use crate::ethernet::Ethernet;
use crate::host;

/// Brings the interface up.
pub fn interface(device: &mut Ethernet) -> Interface {
    let mut config = Config::new(EthernetAddress(Ethernet::ADDRESS).into());
    // So that nobody guesses where TCP's sequence numbers start. It is no secret for long, as its generator is a weak one.
    config.random_seed = u64::from_le_bytes(host::random());
    let mut interface = Interface::new(config, device, instant(board::now()));
    // Both have room for two.
    interface.update_ip_addrs(|addresses| {
        let _ = addresses.push(IpCidr::new(ADDRESS.into(), 24));
    });
    let _ = interface.routes_mut().add_default_ipv4_route(GATEWAY);
    interface
}

/// Takes frames that have come, no more than the card can hold, and sends what there is to send.
///
/// `Interface::poll` would go on for as long as frames come, and a flood of them would keep the sessions from their turn.
pub fn exchange(interface: &mut Interface, device: &mut Ethernet, sockets: &mut SocketSet<'_>) {
    let now = instant(board::now());
    for _ in 0..MOST_FRAMES {
        if interface.poll_ingress_single(now, device, sockets) == PollIngressSingleResult::None {
            break;
        }
    }
    interface.poll_egress(now, device, sockets);
}

/// Gives a time to the TCP/IP stack.
pub fn instant(now: Duration) -> Instant {
    Instant::from_millis(now.as_millis() as i64)
}

/// The FIFO's 2 KiB hold that many of the shortest.
const MOST_FRAMES: usize = 31;

const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);
/// The host, too.
const GATEWAY: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);
