// Part of Apportion's own declarations of the Mesos 1.11.0 binary interface; see ../README.md.
#ifndef APPORTION_ABI_PROCESS_HTTP_HPP
#define APPORTION_ABI_PROCESS_HTTP_HPP

#include <cctype>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include <mesos/type_utils.hpp>
#include <stout/option.hpp>

namespace process {
namespace http {

/** A request. The host makes it and passes it by reference; only the method is read here. */
struct Request
{
  Request() = delete;
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request() = delete;

  std::string method;
  // URL, headers, addresses, body: of no use here.
  char others[528];
};

static_assert(sizeof(Request) == 560 && offsetof(Request, method) == 0, "the method comes first");

/** Names of headers in any case. Not noexcept: that is what makes libstdc++ cache the hash code, as in the host. */
struct CaseInsensitiveHash
{
  size_t operator()(const std::string& key) const
  {
    size_t hash = 0;
    for (const char c : key) mesos::hashing::mix(hash, static_cast<size_t>(::tolower(c)));
    return hash;
  }
};

struct CaseInsensitiveEqual
{
  bool operator()(const std::string& left, const std::string& right) const
  {
    if (left.size() != right.size()) return false;
    for (size_t i = 0; i < left.size(); ++i) {
      if (::tolower(left[i]) != ::tolower(right[i])) return false;
    }
    return true;
  }
};

/** An answer with a body. */
struct Response
{
  Response(std::string text, const char* statusText, uint16_t number, const std::string& contentType)
    : status(statusText), type(BODY), body(std::move(text)), code(number)
  {
    headers["Content-Length"] = std::to_string(body.size());
    headers["Content-Type"] = contentType;
  }

  std::string status;
  std::unordered_map<std::string, std::string, CaseInsensitiveHash, CaseInsensitiveEqual> headers;
  enum { NONE, BODY, PATH, PIPE } type;
  std::string body;
  std::string path;
  // In Mesos the reading end of a pipe; always none here.
  Option<std::shared_ptr<void>> reader;
  uint16_t code;
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
static_assert(sizeof(Response) == 192 && offsetof(Response, headers) == 32, "size, headers");
static_assert(offsetof(Response, type) == 88 && offsetof(Response, body) == 96, "kind and body");
static_assert(offsetof(Response, path) == 128 && offsetof(Response, reader) == 160, "path and pipe");
static_assert(offsetof(Response, code) == 184, "status code");
#pragma GCC diagnostic pop

struct OK : Response
{
  OK(std::string text, const std::string& contentType) : Response(std::move(text), "200 OK", 200, contentType) {}
};

struct MethodNotAllowed : Response
{
  MethodNotAllowed(const std::initializer_list<std::string>& allowed, const Option<std::string>& found = None())
    : Response(text(list(allowed), found), "405 Method Not Allowed", 405, "text/plain; charset=utf-8")
  {
    headers["Allow"] = list(allowed);
  }

private:
  static std::string list(const std::initializer_list<std::string>& allowed)
  {
    std::string names;
    for (const std::string& name : allowed) names += (names.empty() ? "" : ", ") + name;
    return names;
  }

  static std::string text(const std::string& allowed, const Option<std::string>& found)
  {
    return "Expecting one of { " + allowed + " }" + (found.isSome() ? ", but received '" + found.get() + "'" : "") + ".";
  }
};

struct NotFound : Response
{
  explicit NotFound(const std::string& text) : Response(text, "404 Not Found", 404, "text/plain; charset=utf-8") {}
};

struct Conflict : Response
{
  explicit Conflict(const std::string& text) : Response(text, "409 Conflict", 409, "text/plain; charset=utf-8") {}
};

struct InternalServerError : Response
{
  explicit InternalServerError(const std::string& text)
    : Response(text, "500 Internal Server Error", 500, "text/plain; charset=utf-8")
  {}
};

} // namespace http {
} // namespace process {

#endif
