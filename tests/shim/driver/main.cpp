// Drives the four modules of the finished library inside a process that holds the Mesos binary, through the same
// virtual calls as the host makes. Loaded by the rig's launcher, also under a memory checker.
//
//   LIBRARY all CONFIG            every method of every module; prints how many checks held
//   LIBRARY panic ENTRY CONFIG    one entry point that panics on purpose (the configuration names it)
//   LIBRARY table CONFIG          the shim over a table of functions of the test's own
//   LIBRARY throw CONFIG          the host's offer callback throws
//   LIBRARY unreadable            offer constraints that the host keeps in another way
//   LIBRARY refuse NAME [KEY VALUE]...   a module that must not be made
#include <dlfcn.h>
#include <set>

#include "driver.hpp"

namespace driver {

Library::Library(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW))
{
  if (handle_ == nullptr) fail(__FILE__, __LINE__, dlerror());
}

void* Library::create(const std::string& name, const std::string& parameters) const
{
  const auto* manifest = static_cast<const mesos::modules::Module<void>*>(dlsym(handle_, name.c_str()));
  if (manifest == nullptr) fail(__FILE__, __LINE__, "no module " + name);
  HOLDS(std::string(manifest->moduleApiVersion) == "2" && std::string(manifest->mesosVersion) == "1.11.0");
  HOLDS(manifest->kind != nullptr && manifest->authorName != nullptr && manifest->authorEmail != nullptr);
  HOLDS(manifest->description != nullptr && manifest->compatible == nullptr);
  return manifest->create(parse<mesos::Parameters>(parameters));
}

namespace {

/** Entry points of the allocator that change nothing. */
const std::set<std::string> LOOKS = {
    "allocator.read_metrics", "allocator.offer_constraints_debug", "allocator.lending_report"};

int drive(const Library& library, const std::vector<std::string>& arguments)
{
  const std::string& command = arguments[0];
  if (command == "all") {
    const std::string parameters = parameter("config", arguments.at(1));
    driveHook(library, parameters, "");
    driveIsolator(library, parameters, "");
    driveQosController(library, parameters, "");
    driveAllocator(library, parameters, "");
    driveTerms(library, parameters, "");
  } else if (command == "panic") {
    const std::string& entry = arguments.at(1);
    const std::string parameters = parameter("config", arguments.at(2));
    const std::string module = entry.substr(0, entry.find('.'));
    if (module == "hook") driveHook(library, parameters, entry);
    else if (module == "isolator") driveIsolator(library, parameters, entry);
    else if (module == "qos_controller") driveQosController(library, parameters, entry);
    else if (LOOKS.count(entry) == 1) driveTerms(library, parameters, entry);
    else driveAllocator(library, parameters, entry);
  } else if (command == "table") {
    driveShimAlone();
  } else if (command == "unreadable") {
    driveUnreadableFilters(library);
  } else if (command == "throw") {
    offerToThrowingCallback(library, parameter("config", arguments.at(1)));
  } else if (command == "refuse") {
    std::string parameters;
    for (size_t i = 2; i + 1 < arguments.size(); i += 2) parameters += parameter(arguments[i], arguments[i + 1]);
    HOLDS(library.make<void>(arguments.at(1), parameters) == nullptr);
  } else {
    fail(__FILE__, __LINE__, "unknown command " + command);
  }
  std::printf("%d checks held\n", checks());
  return 0;
}

} // namespace {
} // namespace driver {

extern "C" int rig_main(int argc, char** argv)
{
  if (argc < 3) return 8;
  const driver::Library library(argv[1]);
  return driver::drive(library, std::vector<std::string>(argv + 2, argv + argc));
}
