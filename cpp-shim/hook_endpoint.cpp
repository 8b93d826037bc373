#include "hook_endpoint.hpp"

#include <string>

#include "guard.hpp"
#include "views.hpp"

namespace apportion {
namespace {

using process::http::Conflict;
using process::http::Response;

const char* const REPORT_HELP =
    "### TL;DR; ###\n"
    "Shows what the rules of the hook did.\n\n"
    "### DESCRIPTION ###\n"
    "Returns 200 OK with the rules in force and what came of them so far, as a JSON object.\n\n"
    "### AUTHENTICATION ###\n"
    "This endpoint requires authentication iff HTTP authentication is enabled.\n\n"
    "### AUTHORIZATION ###\n"
    "None: whoever is authenticated may see it.\n";

const char* const RELOAD_HELP =
    "### TL;DR; ###\n"
    "Reads the rules of the hook again.\n\n"
    "### DESCRIPTION ###\n"
    "Takes a POST request without a body.\n\n"
    "Returns 200 OK with a JSON object when the new rules are in force.\n\n"
    "Returns 409 CONFLICT with the reason as text when the configuration cannot be read or has mistakes: the rules stay "
    "as they were.\n\n"
    "### AUTHENTICATION ###\n"
    "This endpoint requires authentication iff HTTP authentication is enabled.\n\n"
    "### AUTHORIZATION ###\n"
    "None: whoever is authenticated may do it.\n";

Response report(const Library& library)
{
  Buffer out(library.entries);
  const apportion_status status = library.entries.hook_report(library.handle, out.out());
  return status == APPORTION_DONE ? json(out.text()) : fault(out.text());
}

Response reload(const Library& library)
{
  Buffer out(library.entries);
  const apportion_status status = library.entries.hook_reload(library.handle, out.out());
  if (status == APPORTION_DONE) return json(out.text());
  if (status != APPORTION_FAILED) return fault(out.text());
  APPORTION_LOG(google::GLOG_WARNING, "apportion: the rules of the hook stay as they were: " + out.text());
  return Conflict(out.text());
}

} // namespace {

std::unique_ptr<Endpoint> hookEndpoint(const Library& library)
{
  Buffer side(library.entries);
  const apportion_status status = library.entries.hook_endpoint(library.handle, side.out());
  if (status == APPORTION_UNCHANGED) return nullptr;
  if (status != APPORTION_DONE || (side.text() != "master" && side.text() != "agent")) {
    APPORTION_LOG(google::GLOG_ERROR, "apportion: the hook has no HTTP endpoint: " + side.text());
    return nullptr;
  }
  std::vector<Page> pages = {
      {"/hooks", "GET", "readonly", REPORT_HELP, [&library]() { return report(library); }},
      {"/hooks/reload", "POST", "readwrite", RELOAD_HELP, [&library]() { return reload(library); }},
  };
  return std::make_unique<Endpoint>("hook", side.text(), std::move(pages));
}

} // namespace apportion {
