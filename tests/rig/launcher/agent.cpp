// One agent in its own process.
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "host.hpp"
#include "modes.hpp"
#include "symbols.hpp"

namespace rig {
namespace {

// What a stock agent is called; its endpoints are below /slave(1).
const char* const agent_id = "slave(1)";

struct Folders {
  explicit Folders(const std::string& root)
    : root(root), work(root + "/work"), run(root + "/run"), fetch(root + "/fetch")
  {
    for (const std::string& folder : {this->root, work, run, fetch}) {
      if (mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) {
        fail(exit_refused, "cannot create " + folder + ": " + std::strerror(errno));
      }
    }
  }

  std::string root, work, run, fetch;
};

std::string read_master_address(const std::string& path)
{
  std::ifstream file(path);
  std::string address;
  file >> address;
  if (address.empty()) fail(exit_refused, path + " does not hold the master's HOST:PORT");
  return address;
}

// slave::Flags from MESOS_* variables, with our folders.
unsigned char* agent_flags(const Folders& folders)
{
  unsigned char* flags = allocate(room::agent_flags);
  call(symbol::agent_flags, flags);
  expect_default<std::string>(flags, offset::agent_isolation, "posix/cpu,posix/mem", "agent's isolation");

  const std::string work = "--work_dir=" + folders.work, run = "--runtime_dir=" + folders.run,
                    fetch = "--fetcher_cache_dir=" + folders.fetch;
  const char* const arguments[] = {"agent", work.c_str(), run.c_str(), fetch.c_str()};
  const OptionString prefix("MESOS_");
  TryWarnings loaded;
  call(symbol::load_flags, &loaded, flags + offset::agent_flags_base, &prefix, 4, &arguments[0], 0, 0);
  require(loaded, "agent flags");
  return flags;
}

// Result of a factory that takes an optional module name, which stands in the variable.
void* create_from(const char* symbol, const char* variable)
{
  const char* name = std::getenv(variable);
  const OptionString none, some(name != nullptr ? name : "");
  const OptionString* chosen = name != nullptr ? &some : &none;
  TryPointer created;
  call(symbol, &created, chosen);
  return require(created, variable).pointer();
}

void* create_secret_resolver()
{
  const OptionString none;
  TryPointer created;
  call(symbol::secret_resolver, &created, &none);
  return require(created, "secret resolver").pointer();
}

void* create_detector(const std::string& address)
{
  const OptionString where(address), none;
  const OptionWord no_timeout;
  TryPointer created;
  call(symbol::master_detector, &created, &where, &none, &no_timeout);
  return require(created, "master detector").pointer();
}

// Constructs the agent and what it stands on; returns its detector of masters.
void* start_agent(const Options& options, unsigned char* flags)
{
  void* const null = nullptr;
  const OptionString none;
  const OptionWord no_word;

  unsigned char* fetcher = allocate(room::small);
  call(symbol::fetcher, fetcher, flags);
  unsigned char* garbage_collector = allocate(room::small);
  call(symbol::garbage_collector, garbage_collector, flags + offset::agent_work_dir);
  void* resolver = create_secret_resolver();
  TryPointer containerizer;
  call(symbol::containerizer, &containerizer, flags, 0, fetcher, garbage_collector, resolver, null, null, null);
  require(containerizer, "containerizer");

  void* detector = create_detector(read_master_address(options.master_file));
  unsigned char* files = allocate(room::small);
  call(symbol::files, files, &none, &no_word);
  unsigned char* updates = allocate(room::small);
  call(symbol::status_update_manager, updates, flags);
  void* estimator = create_from(symbol::resource_estimator, "MESOS_RESOURCE_ESTIMATOR");
  void* qos_controller = create_from(symbol::qos_controller, "MESOS_QOS_CONTROLLER");

  unsigned char* agent = allocate(room::agent);
  const std::string id = agent_id;
  void* no_csi_server[2] = {nullptr, nullptr};          // process::Owned, empty
  const std::int32_t no_socket[6] = {1, 0, 0, 0, 0, 0};  // Option of a socket, none
  call(symbol::agent, agent, &id, flags, detector, containerizer.pointer(), files, garbage_collector,
       updates, estimator, qos_controller, null, null, null, &no_csi_server[0], &no_socket[0], &no_word);

  // The actor is a virtual base; its offset stands 24 bytes before the vtable's address point.
  const auto* vtable = field<const std::ptrdiff_t*>(agent, 0);
  ProcessId spawned;
  call(symbol::spawn, &spawned, agent + vtable[-3], 0);
  return detector;
}

// Tells the agent where the master is now; the same address makes it look again.
void appoint(void* detector, const std::string& address)
{
  const std::string text = "master@" + address;
  unsigned char* master = allocate(room::small);
  call(symbol::process_id, master, &text);
  call(symbol::detector_appoint, detector, master);
}

}  // namespace

int run_agent(const Options& options, StopSignals& signals)
{
  start_host(options, agent_id);
  start_version_endpoint();
  load_modules(options);
  const Folders folders(options.work_dir);
  void* detector = start_agent(options, agent_flags(folders));

  signals.watch_stdin(options);
  while (signals.wait() == SIGHUP) appoint(detector, read_master_address(options.master_file));
  if (signals.abandoned()) kill_all(processes_below());
  return 0;
}

}  // namespace rig
