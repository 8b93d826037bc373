#include "host.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <unordered_map>

#include "symbols.hpp"

namespace rig {
namespace {

void* mesos_binary = nullptr;

void* open_library(const std::string& path, int mode)
{
  void* handle = dlopen(path.c_str(), mode);
  if (handle == nullptr) {
    const char* reason = dlerror();
    fail(exit_library, "cannot load " + path + ": " + (reason != nullptr ? reason : "no reason given"));
  }
  return handle;
}

}  // namespace

void fail(Exit code, const std::string& message)
{
  std::fprintf(stderr, "rig-launcher: %s\n", message.c_str());
  std::fflush(nullptr);
  _exit(code);
}

std::string executable_folder()
{
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  if (length <= 0) fail(exit_library, "cannot read /proc/self/exe");
  const std::string text(path, static_cast<std::size_t>(length));
  return text.substr(0, text.rfind('/'));
}

void load_libraries(const std::string& preload)
{
  if (!preload.empty()) open_library(preload, RTLD_NOW | RTLD_GLOBAL);

  const std::string list = executable_folder() + "/rig-launcher.libraries";
  std::ifstream lines(list);
  for (std::string path; std::getline(lines, path);) {
    if (!path.empty()) mesos_binary = open_library(path, RTLD_LAZY | RTLD_GLOBAL);
  }
  if (mesos_binary == nullptr) fail(exit_library, "no library is named in " + list);
}

void* find(const char* symbol)
{
  void* address = dlsym(mesos_binary, symbol);
  if (address == nullptr) fail(exit_symbol, std::string("the Mesos binary has no symbol ") + symbol);
  return address;
}

unsigned char* allocate(std::size_t bytes)
{
  void* memory = std::calloc(1, bytes);
  if (memory == nullptr) fail(exit_refused, "out of memory");
  return static_cast<unsigned char*>(memory);
}

void start_host(const Options& options, const std::string& delegate)
{
  setenv("LIBPROCESS_IP", options.ip.c_str(), 1);
  setenv("LIBPROCESS_PORT", options.port.c_str(), 1);

  // Option<logging::Flags>, some: a zero state, then the flags.
  unsigned char* logging = allocate(room::flags);
  unsigned char* flags = logging + 8;
  call(symbol::logging_flags, flags);
  expect_default<std::string>(flags, offset::logging_level, "INFO", "logging level");
  field<std::string>(flags, offset::logging_level) = options.logging_level;
  const std::string program = "rig-launcher";
  const int keep_our_signal_handling = 0;
  call(symbol::logging_initialize, &program, keep_our_signal_handling, logging);

  const OptionString id(delegate), no_realm;
  call(symbol::process_initialize, &id, &no_realm, &no_realm);
}

void start_version_endpoint()
{
  unsigned char* version = allocate(room::flags);
  call(symbol::version_process, version);
  ProcessId pid;
  const int managed = 1;
  call(symbol::spawn_version, &pid, version, managed);
}

void load_modules(const Options& options)
{
  if (!options.modules_dir.empty()) {
    TryNothing loaded;
    call(symbol::load_modules, &loaded, &options.modules_dir);
    require(loaded, "loading modules");
  }
  if (!options.hooks.empty()) {
    TryNothing created;
    call(symbol::initialize_hooks, &created, &options.hooks);
    require(created, "creating hooks");
  }
}

void* create_allocator(const std::string& name)
{
  if (name.empty()) return nullptr;

  using Manifests = std::unordered_map<std::string, ModuleManifest*>;
  using Parameters = std::unordered_map<std::string, ModuleParameters>;
  const auto& manifests = *static_cast<Manifests*>(find(symbol::module_bases));
  const auto& parameters = *static_cast<Parameters*>(find(symbol::module_parameters));

  const auto manifest = manifests.find(name);
  const auto arguments = parameters.find(name);
  if (manifest == manifests.end() || arguments == parameters.end()) {
    fail(exit_refused, "no module named '" + name + "' is loaded");
  }
  if (std::string(manifest->second->kind) != "Allocator") {
    fail(exit_refused, "module '" + name + "' is no Allocator but: " + manifest->second->kind);
  }
  void* allocator = manifest->second->create(&arguments->second);
  if (allocator == nullptr) fail(exit_refused, "Error creating Module instance for '" + name + "'");
  return allocator;
}

}  // namespace rig
