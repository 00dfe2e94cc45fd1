//! `system_info`: names, processor, memory and what the firmware says of the machine.

use std::collections::BTreeSet;

use crate::constraint::Scan;
use crate::context::Context;
use crate::error::QueryError;
use crate::row::Rows;
use crate::sys;

pub(super) fn generate(scan: &Scan<'_>, rows: &mut Rows) -> Result<(), QueryError> {
    let names = rustix::system::uname();
    let hostname = names.nodename().to_string_lossy().into_owned();
    let full_name = match scan.reads("hostname") || scan.reads("local_hostname") {
        true => sys::fully_qualified(&hostname),
        false => hostname.clone(),
    };
    let cpu = Cpu::read();
    let firmware = Firmware::read();
    rows.add()
        .text("hostname", &full_name)
        .text("uuid", host_uuid(scan.context))
        .text("cpu_type", names.machine().to_string_lossy())
        .text("cpu_subtype", cpu.model)
        .text("cpu_brand", cpu.brand)
        .int("cpu_physical_cores", cpu.cores)
        .int("cpu_logical_cores", cpu.threads)
        .int("cpu_sockets", cpu.sockets)
        .text("cpu_microcode", cpu.microcode)
        .int("physical_memory", physical_memory())
        .text("hardware_vendor", firmware.vendor)
        .text("hardware_model", firmware.model)
        .text("hardware_version", firmware.version)
        .text("hardware_serial", dmi("product_serial"))
        .text("board_vendor", dmi("board_vendor"))
        .text("board_model", dmi("board_name"))
        .text("board_version", dmi("board_version"))
        .text("board_serial", dmi("board_serial"))
        .text("computer_name", hostname)
        .text("local_hostname", full_name);
    Ok(())
}

/// The agent's word, else the hardware's.
pub(super) fn host_uuid(context: &Context) -> String {
    match context.info.uuid.as_str() {
        "" => sys::hardware_uuid().unwrap_or_default(),
        uuid => uuid.to_string(),
    }
}

fn physical_memory() -> u64 {
    // The kernel's own count in pages, as `sysconf(_SC_PHYS_PAGES)` gives it.
    let info = rustix::system::sysinfo();
    info.totalram as u64 * u64::from(info.mem_unit)
}

/// A line that the firmware has for the machine; empty where there is none or it is not for us to read.
pub(super) fn dmi(name: &str) -> String {
    sys::trimmed(format!("/sys/class/dmi/id/{name}")).unwrap_or_default()
}

struct Firmware {
    vendor: String,
    model: String,
    version: String,
}

impl Firmware {
    /// Lenovo writes the model where others write the version.
    fn read() -> Self {
        let (vendor, model, version) = (dmi("sys_vendor"), dmi("product_name"), dmi("product_version"));
        match vendor.eq_ignore_ascii_case("lenovo") {
            true => Self { vendor, model: version, version: model },
            false => Self { vendor, model, version },
        }
    }
}

#[derive(Debug, PartialEq)]
struct Cpu {
    brand: String,
    model: String,
    microcode: String,
    threads: usize,
    cores: usize,
    sockets: usize,
}

impl Cpu {
    fn read() -> Self {
        let mut cpu = Self::parse(&sys::trimmed("/proc/cpuinfo").unwrap_or_default());
        if cpu.threads == 0 {
            cpu.threads = std::thread::available_parallelism().map_or(1, usize::from);
        }
        cpu
    }

    /// Cores and sockets are told apart by their ids; where the file has none, each thread is a core of one socket.
    fn parse(text: &str) -> Self {
        let blocks: Vec<&str> = text.split("\n\n").filter(|block| block.contains("processor")).collect();
        let field = |block: &str, key: &str| {
            let mut pairs = block.lines().filter_map(|line| super::pair(line, ':'));
            pairs.find(|(found, _)| *found == key).map(|(_, value)| value.to_string())
        };
        let first = |key: &str| blocks.first().and_then(|block| field(block, key));
        let sockets: BTreeSet<_> = blocks.iter().filter_map(|b| field(b, "physical id")).collect();
        let cores: BTreeSet<_> =
            blocks.iter().filter_map(|b| field(b, "physical id").zip(field(b, "core id"))).collect();
        Self {
            brand: first("model name").unwrap_or_default(),
            model: first("model").unwrap_or_else(|| "0".into()),
            microcode: first("microcode").unwrap_or_default(),
            threads: blocks.len(),
            cores: if cores.is_empty() { blocks.len() } else { cores.len() },
            sockets: sockets.len().max(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_a_core_and_cores_of_a_socket_are_told_apart() {
        let thread = |n: u32, socket: u32, core: u32| {
            format!(
                "processor\t: {n}\nmodel\t\t: 85\nmodel name\t: A  Chip\nmicrocode\t: 0x1\nphysical id\t: {socket}\ncore id\t\t: {core}\n\n"
            )
        };
        let text: String = (0..8).map(|n| thread(n, n / 4, n / 2 % 2)).collect();
        let cpu = Cpu::parse(&text);
        assert_eq!((cpu.threads, cpu.cores, cpu.sockets), (8, 4, 2));
        assert_eq!((cpu.brand.as_str(), cpu.model.as_str(), cpu.microcode.as_str()), ("A  Chip", "85", "0x1"));
    }
}
