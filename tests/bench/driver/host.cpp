// The host: the allocator that it holds itself, the one of a module, and its clock.
#include <cxxabi.h>
#include <dlfcn.h>
#include <malloc.h>

#include <cstdio>
#include <fstream>
#include <typeinfo>

#include <mesos/module.hpp>

#include "bench.hpp"

namespace bench {
namespace {

// MesosAllocator<HierarchicalAllocatorProcess<DRFSorter, DRFSorter>>::MesosAllocator()
const char* const CONSTRUCTOR =
    "_ZN5mesos8internal6master9allocator14MesosAllocatorINS2_28HierarchicalAllocatorProcessINS2_9DRFSorterES5_EEEC1Ev";

/** A function of the Mesos binary, which the launcher has loaded for everybody. */
template <typename Function>
Function hostFunction(const char* symbol)
{
  void* address = dlsym(RTLD_DEFAULT, symbol);
  if (address == nullptr) fail(std::string("the Mesos binary has no symbol ") + symbol);
  return reinterpret_cast<Function>(address);
}

double statusLine(const std::string& name)
{
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, name.size(), name) == 0) return std::atof(line.c_str() + name.size() + 1) * 1024;
  }
  fail("/proc/self/status has no line " + name);
}

} // namespace {

Allocator* builtIn()
{
  // A vtable pointer and the pointer to the actor, which the constructor makes and spawns.
  void* room = std::calloc(1, 4096);
  hostFunction<void (*)(void*)>(CONSTRUCTOR)(room);
  return static_cast<Allocator*>(room);
}

Allocator* module(const std::string& library, const std::vector<std::pair<std::string, std::string>>& parameters)
{
  void* handle = dlopen(library.c_str(), RTLD_NOW);
  if (handle == nullptr) fail(dlerror());
  const auto* manifest =
      static_cast<const mesos::modules::Module<Allocator>*>(dlsym(handle, "org_apportion_Allocator"));
  if (manifest == nullptr) fail(library + " holds no module org_apportion_Allocator");
  std::string bytes;
  for (const auto& one : parameters) bytes += field(1, field(1, one.first) + field(2, one.second));
  Allocator* made = manifest->create(parse<mesos::Parameters>(bytes));
  if (made == nullptr) fail("the module refuses; its log says why");
  return made;
}

std::string className(const Allocator& allocator)
{
  const char* mangled = typeid(allocator).name();
  int status = 0;
  char* text = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
  const std::string name = status == 0 ? text : mangled;
  std::free(text);
  return name;
}

void pauseClock()
{
  hostFunction<void (*)()>("_ZN7process5Clock5pauseEv")();
}

void advanceClock(Duration duration)
{
  static const auto advance = hostFunction<void (*)(const Duration&)>("_ZN7process5Clock7advanceERK8Duration");
  advance(duration);
}

mesos::ResourceQuantities quantities(const std::string& text)
{
  typedef Try<mesos::ResourceQuantities> (*FromString)(const std::string&);
  static const auto fromString = hostFunction<FromString>(
      "_ZN5mesos18ResourceQuantities10fromStringERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE");
  return fromString(text).get();
}

Memory memory()
{
  malloc_trim(0);
  const struct mallinfo2 heap = mallinfo2();
  return {static_cast<double>(heap.uordblks + heap.hblkhd), statusLine("VmRSS:"), statusLine("VmHWM:")};
}

} // namespace bench {
