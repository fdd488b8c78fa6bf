//! A capture file, pcap or pcapng: packets one by one, in memory that does not grow with the file. Where it is damaged, it
//! is searched for the next record that makes sense.

use core::time::Duration;
use std::io::Read;

use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapError, PcapHeader, create_reader};

use crate::timeline::Time;

/// What a capture file holds.
#[derive(Debug, PartialEq)]
pub enum Item {
    Packet {
        time: Time,
        link: Linktype,
        data: Vec<u8>,
        /// Whether not all of it was captured.
        is_cut: bool,
    },
    /// So many bytes from this place on are no part of any record.
    Damage { at: usize, len: usize },
    /// The file could not be read beyond this place.
    Unreadable { at: usize },
}

pub struct Capture<'r> {
    reader: Box<dyn PcapReaderIterator + Send + 'r>,
    records: Records,
    /// Where the damage that is being skipped began.
    damage: Option<usize>,
    /// What was found behind it.
    found: Option<Item>,
    is_over: bool,
}

impl<'r> Capture<'r> {
    /// Opens a capture; `None`: it is neither pcap nor pcapng.
    pub fn open(file: impl Read + Send + 'r) -> Option<Self> {
        let reader = create_reader(BUFFER, file).ok()?;
        let records = Records::default();
        Some(Self { reader, records, damage: None, found: None, is_over: false })
    }

    /// Returns how many bytes were read so far.
    pub fn consumed(&self) -> usize {
        self.reader.consumed()
    }

    /// Ends the damage, if there is any.
    fn damage(&mut self) -> Option<Item> {
        let at = self.damage.take()?;
        Some(Item::Damage { at, len: self.consumed() - at })
    }

    /// Makes room for a record that is longer than most, if it makes sense; says whether there is more room now.
    fn grow(&mut self) -> bool {
        self.records.may_begin(self.reader.data()) && self.reader.grow(LARGEST)
    }

    fn skip_byte(&mut self) {
        self.damage.get_or_insert(self.reader.consumed());
        self.reader.consume(1);
    }
}

impl Iterator for Capture<'_> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        if let Some(item) = self.found.take() {
            return Some(item);
        }
        while !self.is_over {
            let is_searching = self.damage.is_some();
            let read = match self.reader.next() {
                Ok((len, block)) => Ok((len, self.records.take(&block, is_searching))),
                Err(PcapError::Incomplete(_)) => Err(Trouble::Incomplete),
                Err(PcapError::BufferTooSmall) => Err(Trouble::TooLong),
                Err(PcapError::Eof) => Err(Trouble::End),
                Err(_) => Err(Trouble::Damage),
            };
            let available = self.reader.data().len();
            match read {
                Ok((len, Some(item)))
                    if !is_searching
                        || self
                            .records
                            .may_begin(self.reader.data().get(len..).unwrap_or_default()) =>
                {
                    let damage = self.damage();
                    self.reader.consume(len);
                    match (damage, item) {
                        (Some(damage), item) => {
                            self.found = item;
                            return Some(damage);
                        }
                        (None, Some(item)) => return Some(item),
                        (None, None) => {}
                    }
                }
                Err(Trouble::Incomplete) if !is_searching || available < FAR => {
                    if self.reader.refill().is_err() {
                        self.is_over = true;
                        return Some(Item::Unreadable { at: self.consumed() });
                    }
                }
                Err(Trouble::TooLong) if !is_searching && self.grow() => {}
                Err(Trouble::End) => self.is_over = true,
                _ if available == 0 => self.is_over = true,
                _ => self.skip_byte(),
            }
        }
        self.damage()
    }
}

/// Why there is no record.
enum Trouble {
    Incomplete,
    TooLong,
    End,
    Damage,
}

/// What the records before tell about a record.
#[derive(Default)]
struct Records {
    /// The header of a pcap file.
    header: Option<PcapHeader>,
    /// The interfaces of a section of a pcapng file.
    interfaces: Vec<Interface>,
    last: Option<Time>,
}

struct Interface {
    link: Linktype,
    /// Units a second.
    resolution: u64,
    /// In seconds.
    offset: i64,
}

impl Records {
    /// Reads a record, which may hold nothing that is wanted here; `None`: it makes no sense.
    fn take(&mut self, block: &PcapBlockOwned<'_>, is_searching: bool) -> Option<Option<Item>> {
        let (time, link, data, original_len) = match block {
            PcapBlockOwned::LegacyHeader(header) => {
                self.header = Some(header.clone());
                return Some(None);
            }
            PcapBlockOwned::Legacy(record) => {
                let header = self.header.as_ref()?;
                let time = self.legacy_time(record.ts_sec, record.ts_usec)?;
                if record.caplen > record.origlen
                    || record.caplen > header.snaplen.max(MOST_CAPTURED)
                {
                    return None;
                }
                // The upper bits tell of a checksum behind each packet.
                let link = Linktype(header.network.0 & 0xFFFF);
                (time, link, record.data, record.origlen)
            }
            PcapBlockOwned::NG(Block::SectionHeader(_)) => {
                self.interfaces.clear();
                return Some(None);
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(block)) => {
                self.interfaces.push(Interface {
                    link: block.linktype,
                    resolution: block.ts_resolution().unwrap_or(1_000_000).max(1),
                    offset: block.ts_offset(),
                });
                return Some(None);
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(block)) => {
                let interface = self.interfaces.get(usize::try_from(block.if_id).ok()?)?;
                let units = u64::from(block.ts_high) << 32 | u64::from(block.ts_low);
                (interface.time(units), interface.link, block.packet_data(), block.origlen)
            }
            PcapBlockOwned::NG(Block::SimplePacket(block)) => {
                let time = self.last.unwrap_or_default();
                (time, self.interfaces.first()?.link, block.packet_data(), block.origlen)
            }
            PcapBlockOwned::NG(Block::Unknown(_)) if is_searching => return None,
            PcapBlockOwned::NG(_) => return Some(None),
        };
        let far = self.last.is_some_and(|last| time.abs_diff(last) > DAY);
        if is_searching && far {
            return None;
        }
        self.last = Some(time);
        let is_cut = u32::try_from(data.len()).is_ok_and(|len| len < original_len);
        Some(Some(Item::Packet { time, link, data: data.to_vec(), is_cut }))
    }

    /// Tells whether another record may begin here, as far as that can be seen.
    fn may_begin(&self, bytes: &[u8]) -> bool {
        let (Some(header), Some(bytes)) = (&self.header, bytes.first_chunk::<16>()) else {
            return true;
        };
        let [seconds, fraction, len, original_len] = [0, 4, 8, 12].map(|at| {
            let field = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
            if header.is_bigendian() {
                u32::from_be_bytes(field)
            } else {
                u32::from_le_bytes(field)
            }
        });
        let time = self.legacy_time(seconds, fraction);
        let is_near = time.is_some_and(|time| self.last.is_none_or(|it| time.abs_diff(it) < DAY));
        is_near && len <= original_len && len <= header.snaplen.max(MOST_CAPTURED)
    }

    fn legacy_time(&self, seconds: u32, fraction: u32) -> Option<Time> {
        let is_nanoseconds = self.header.as_ref()?.is_nanosecond_precision();
        let nanoseconds = if is_nanoseconds { fraction } else { fraction.checked_mul(1000)? };
        (nanoseconds < 1_000_000_000).then(|| Duration::new(seconds.into(), nanoseconds))
    }
}

impl Interface {
    fn time(&self, units: u64) -> Time {
        let seconds = (units / self.resolution).saturating_add_signed(self.offset);
        let rest = u128::from(units % self.resolution) * 1_000_000_000;
        let nanoseconds = rest / u128::from(self.resolution);
        Duration::new(seconds, u32::try_from(nanoseconds).unwrap_or_default())
    }
}

const BUFFER: usize = 1 << 20;
/// The greatest record there may be.
const LARGEST: usize = 16 << 20;
/// A record that is looked for behind damage is complete within so many bytes.
const FAR: usize = 1 << 19;
/// The most that is captured of a packet, by the tools that do not say otherwise.
const MOST_CAPTURED: u32 = 1 << 18;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
