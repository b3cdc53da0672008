//! On what a measurement was made.

/// The machine and the program, as names and values: what has to stand beside every figure.
#[must_use]
pub fn machine() -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut add = |name: &str, value: String| facts.push((name.to_owned(), value));
    if let Some(model) = field("/proc/cpuinfo", "model name", ':') {
        add("processor", model);
    }
    let threads = std::thread::available_parallelism();
    add("processors", threads.map_or_else(|_| "unknown".to_owned(), |n| n.to_string()));
    if let Some(memory) = field("/proc/meminfo", "MemTotal", ':') {
        let kibibytes: Option<f64> = memory.strip_suffix("kB").and_then(|n| n.trim().parse().ok());
        if let Some(kibibytes) = kibibytes {
            add("memory", format!("{:.1} GiB", kibibytes / f64::from(1 << 20)));
        }
    }
    let system = field("/etc/os-release", "PRETTY_NAME", '=');
    let system = system.map(|name| name.trim_matches('"').to_owned());
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").ok();
    let kernel = kernel.map(|kernel| format!(", kernel {}", kernel.trim()));
    let system = system.unwrap_or_else(|| std::env::consts::OS.to_owned());
    add("system", format!("{system}{} ({})", kernel.unwrap_or_default(), std::env::consts::ARCH));
    add("bigannoy", env!("CARGO_PKG_VERSION").to_owned());
    if cfg!(debug_assertions) {
        add("caution", "compiled without optimization: times mean little".to_owned());
    }
    facts
}

/// The value of the first line of a file whose name is `name`.
fn field(path: &str, name: &str, between: char) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(between)?;
        (found.trim() == name).then(|| value.trim().to_owned())
    })
}
