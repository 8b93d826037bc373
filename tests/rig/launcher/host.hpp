// The Mesos binary inside this process: loading it, calling it, starting its
// logging and actor library, loading modules into it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "layout.hpp"
#include "options.hpp"

namespace rig {

// Exit codes of the launcher itself. A wrong Mesos flag ends the process with 1, by Mesos' own choice.
enum Exit : int { exit_refused = 1, exit_library = 2, exit_symbol = 3, exit_layout = 4 };

// Prints `message` on standard error and ends the process at once, without static destructors: they
// could run under live worker threads of the host.
[[noreturn]] void fail(Exit code, const std::string& message);

// Ends the process with `fail` when the host call named `what` returned an error.
template <class Result>
Result& require(Result& result, const char* what)
{
  if (result.error() != nullptr) fail(exit_refused, std::string(what) + ": " + *result.error());
  return result;
}

// Folder of this executable; links are resolved, so it is the same for `mesos-containerizer`.
std::string executable_folder();

// Loads the libraries named one per line in `rig-launcher.libraries` beside the executable, in that
// order: the stand-ins first, the Mesos binary last, each with RTLD_LAZY | RTLD_GLOBAL (modules take
// their Mesos symbols from the global scope). `preload` is loaded before all of them, with RTLD_NOW.
void load_libraries(const std::string& preload);

// Address of a symbol of the Mesos binary; ends the process when it is missing.
void* find(const char* symbol);

// Calls a host function. Arguments are words: pointers (also for references) and integers; a result in
// memory and `this` are explicit leading arguments.
template <class... Words>
void* call(const char* symbol, Words... words)
{
  return reinterpret_cast<void* (*)(Words...)>(find(symbol))(words...);
}

// Zeroed memory for a host object that lives until the process ends.
unsigned char* allocate(std::size_t bytes);

// Pointer into an object at a byte offset.
template <class Field>
Field& field(unsigned char* object, std::size_t offset)
{
  return *reinterpret_cast<Field*>(object + offset);
}

// Ends the process when a field of a freshly constructed flags object does not hold its known default:
// the binary is then not the one these layouts were measured on.
template <class Field, class Value>
void expect_default(unsigned char* object, std::size_t offset, const Value& value, const char* name)
{
  if (!(field<Field>(object, offset) == value)) {
    fail(exit_layout, std::string("the Mesos binary lays out its flags differently: ") + name);
  }
}

// Starts logging (to standard error) and libprocess on the address of `options`. `delegate` is the id
// that paths without an id belong to ("/state" means "/master/state").
void start_host(const Options& options, const std::string& delegate);

// Starts the process behind /version.
void start_version_endpoint();

// Loads the modules of `options.modules_dir`, then creates the hooks of `options.hooks`.
void load_modules(const Options& options);

// Creates the allocator module of that name; null (the built-in allocator) when the name is empty.
void* create_allocator(const std::string& name);

}  // namespace rig
