//! The IP side: the addresses that QEMU's user network hands out, fixed here for want of DHCP.

use core::time::Duration;

use smoltcp::iface::{Config, Interface};
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

/// Gives a time to the TCP/IP stack.
pub fn instant(now: Duration) -> Instant {
    Instant::from_millis(now.as_millis() as i64)
}

const ADDRESS: Ipv4Address = Ipv4Address::new(10, 0, 2, 15);
/// The host, too.
const GATEWAY: Ipv4Address = Ipv4Address::new(10, 0, 2, 2);
