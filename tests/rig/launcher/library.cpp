// A test library inside a process with the Mesos binary: for C++ tests that drive modules directly,
// also under a memory checker.
#include <dlfcn.h>

#include <string>
#include <vector>

#include "host.hpp"
#include "modes.hpp"

namespace rig {

int run_library(const Options& options)
{
  start_host(options, "rig");

  void* handle = dlopen(options.to_load.c_str(), RTLD_NOW);
  if (handle == nullptr) {
    const char* reason = dlerror();
    fail(exit_library, "cannot load " + options.to_load + ": " + (reason != nullptr ? reason : "no reason"));
  }
  void* entry = dlsym(handle, "rig_main");
  if (entry == nullptr) {
    fail(exit_library, options.to_load + " does not define extern \"C\" int rig_main(int, char**)");
  }

  std::vector<std::string> texts{options.to_load};
  texts.insert(texts.end(), options.arguments.begin(), options.arguments.end());
  std::vector<char*> arguments;
  for (std::string& text : texts) arguments.push_back(text.data());
  arguments.push_back(nullptr);
  return reinterpret_cast<int (*)(int, char**)>(entry)(static_cast<int>(texts.size()), arguments.data());
}

}  // namespace rig
