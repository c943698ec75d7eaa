#pragma once

#include "core/json_view.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <memory_resource>
#include <new>
#include <optional>
#include <string_view>
#include <vector>

namespace regolo::core {

/// Tokens one behind the other. A `std::vector` would have each put together elsewhere and copied, and the copy wait for it.
class token_list
{
public:
    token_list() noexcept : first_(static_cast<json_token*>(static_cast<void*>(&inside_))) {}
    token_list(const token_list&) = delete;
    token_list& operator=(const token_list&) = delete;

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] json_token& operator[](std::size_t i) noexcept { return first_[i]; }
    [[nodiscard]] const json_token& operator[](std::size_t i) const noexcept { return first_[i]; }
    [[nodiscard]] const json_token* end() const noexcept { return first_ + size_; }

    json_token& add(boost::json::kind kind)
    {
        if (size_ == capacity_)
            grow();
        auto* const added = ::new (static_cast<void*>(first_ + size_)) json_token;
        ++size_;
        added->kind = kind;
        return *added;
    }
    void clear() noexcept { size_ = 0; }
    /// How many there may be. Room for as many is taken as soon as there is no other left.
    void expect(std::size_t size) noexcept { expected_ = size; }

private:
    void grow();

    static constexpr std::size_t first_capacity = 256;  // enough for most documents

    alignas(json_token) std::array<std::byte, first_capacity * sizeof(json_token)> inside_;
    // where there are more; a vector would fill them first
    std::unique_ptr<std::byte[]> outside_;  // NOLINT(modernize-avoid-c-arrays)
    json_token* first_;
    std::size_t size_ = 0;
    std::size_t capacity_ = first_capacity;
    std::size_t expected_ = 0;
};

/** A document as one list of its values, in the order of their text. It costs a fraction of a tree: nothing is linked or
    sorted, and texts stay where they are.

    There is one document on a tape, and views of it hold until the tape is gone. */
class json_tape
{
public:
    json_tape() = default;
    /// A document that is there as a tree, which must stay where it is.
    explicit json_tape(const boost::json::value& tree) { lay_out(tree); }
    json_tape(const json_tape&) = delete;
    json_tape& operator=(const json_tape&) = delete;

    /** Reads a document whose text must stay where it is.
        @returns  false where that is better left to a parser that makes a tree: it is no JSON or nests too deep, an object has a
                  name twice or too many members to be sure that it has not */
    [[nodiscard]] bool read(std::string_view text, std::size_t max_depth);

    /// Memory for the tree of a text that `read` has left: the tape's own, where the text is short.
    [[nodiscard]] boost::json::storage_ptr tree_storage(std::size_t text_size);
    /// That tree.
    void keep(boost::json::value&& tree);

    /// @par Preconditions  there is a document
    [[nodiscard]] json_view root() const noexcept { return json_view(tokens_[0]); }

private:
    void lay_out(const boost::json::value& tree);

    token_list tokens_;
    std::array<std::byte, std::size_t{2} * 1024> first_;  // enough for most texts
    std::pmr::monotonic_buffer_resource memory_{first_.data(), first_.size()};
    std::pmr::vector<char> texts_{&memory_};  // those that had escapes
    std::array<unsigned char, std::size_t{16} * 1024> tree_first_;
    std::optional<boost::json::monotonic_resource> tree_memory_;
    std::optional<boost::json::value> tree_;  // to which the tokens refer, if there is one
};

}  // namespace regolo::core
