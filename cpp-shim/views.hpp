// What crosses the border: borrowed views of host data, and buffers of the library.
#ifndef APPORTION_SHIM_VIEWS_HPP
#define APPORTION_SHIM_VIEWS_HPP

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <mesos/mesos.hpp>
#include <mesos/resources.hpp>

#include "apportion_abi.h"

namespace apportion {

inline apportion_bytes view(const std::string& text)
{
  return apportion_bytes{reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

/** The text behind a view. */
inline std::string text(const apportion_bytes& bytes)
{
  return bytes.size == 0 ? std::string() : std::string(reinterpret_cast<const char*>(bytes.data), bytes.size);
}

/** A message as bytes. Required fields may be missing: that is for the reader to find. */
template <typename Message>
std::string serialize(const Message& message)
{
  std::string bytes;
  message.AppendPartialToString(&bytes);
  return bytes;
}

/** Bytes of several messages or texts, kept in one block. */
class ByteList
{
public:
  ByteList() = default;

  void add(const std::string& text)
  {
    bytes_ += text;
    ends_.push_back(bytes_.size());
  }

  template <typename Message>
  void addMessage(const Message& message)
  {
    message.AppendPartialToString(&bytes_);
    ends_.push_back(bytes_.size());
  }

  size_t size() const { return ends_.size(); }

  /** Appends a view of each element; valid as long as this list is neither moved nor changed. */
  void appendTo(std::vector<apportion_bytes>& views) const
  {
    size_t begin = 0;
    for (const size_t end : ends_) {
      views.push_back({reinterpret_cast<const uint8_t*>(bytes_.data()) + begin, end - begin});
      begin = end;
    }
  }

private:
  std::string bytes_;
  std::vector<size_t> ends_;
};

/** The views of one list, for the duration of a call. */
class ListView
{
public:
  explicit ListView(const ByteList& list)
  {
    views_.reserve(list.size());
    list.appendTo(views_);
  }

  apportion_bytes_list get() const { return {views_.data(), views_.size()}; }

private:
  std::vector<apportion_bytes> views_;
};

/** Every resource as bytes; a shared volume once for each copy. */
inline ByteList serialize(const mesos::Resources& resources)
{
  ByteList list;
  for (const mesos::Resource& resource : resources) {
    const size_t copies = resource.has_shared() ? resources.count(resource) : 1;
    for (size_t i = 0; i < copies; ++i) list.addMessage(resource);
  }
  return list;
}

/** A list of texts or messages from any container of them. */
template <typename Messages>
ByteList serializeAll(const Messages& messages)
{
  ByteList list;
  for (const auto& message : messages) list.addMessage(message);
  return list;
}

template <typename Texts>
ByteList listOf(const Texts& texts)
{
  ByteList list;
  for (const std::string& text : texts) list.add(text);
  return list;
}

/** What several frameworks hold on an agent, or one framework on several agents. */
class HoldingList
{
public:
  void add(const std::string& name, const mesos::Resources& resources)
  {
    entries_.emplace_back(name, serialize(resources));
  }

private:
  friend class HoldingsView;

  std::vector<std::pair<std::string, ByteList>> entries_;
};

/** The views of a HoldingList, for the duration of a call. */
class HoldingsView
{
public:
  explicit HoldingsView(const HoldingList& list)
  {
    resources_.reserve(list.entries_.size());
    for (const auto& entry : list.entries_) {
      resources_.emplace_back(entry.second);
      holdings_.push_back({view(entry.first), resources_.back().get()});
    }
  }

  apportion_holdings get() const { return {holdings_.data(), holdings_.size()}; }

private:
  std::vector<ListView> resources_;
  std::vector<apportion_holding> holdings_;
};

/** Names and numbers out of a ResourceQuantities or ResourceLimits. */
class QuantityList
{
public:
  QuantityList() = default;

  template <typename Quantities>
  explicit QuantityList(const Quantities& quantities)
  {
    for (const auto& quantity : quantities) entries_.emplace_back(quantity.first, quantity.second.value());
  }

  /** Appends the views; valid as long as this list lives and stays where it is. */
  void appendTo(std::vector<apportion_quantity>& views) const
  {
    for (const auto& entry : entries_) views.push_back({view(entry.first), entry.second});
  }

private:
  std::vector<std::pair<std::string, double>> entries_;
};

/** The views of a QuantityList, for the duration of a call. */
class QuantitiesView
{
public:
  explicit QuantitiesView(const QuantityList& list) { list.appendTo(views_); }

  apportion_quantities get() const { return {views_.data(), views_.size()}; }

private:
  std::vector<apportion_quantity> views_;
};

/** A result of the library, given back when it goes out of scope. */
class Buffer
{
public:
  explicit Buffer(const apportion_entries& entries) : entries_(entries), buffer_{nullptr, 0, 0} {}
  ~Buffer() { entries_.release(&buffer_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  apportion_buffer* out() { return &buffer_; }
  std::string text() const { return apportion::text(apportion_bytes{buffer_.data, buffer_.size}); }

  /** Reads the result as a message; false when it is not one. */
  template <typename Message>
  bool parse(Message* message) const
  {
    return message->ParsePartialFromArray(buffer_.data, static_cast<int>(buffer_.size));
  }

private:
  const apportion_entries& entries_;
  apportion_buffer buffer_;
};

} // namespace apportion {

#endif
