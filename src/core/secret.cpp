#include "core/secret.hpp"

#include <boost/assert.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

namespace regolo::core {
namespace {

/// Wipes the whole buffer of a string, the part behind its end included.
void wipe_text(std::string& text) noexcept
{
    text.resize(text.capacity());  // within the capacity: allocates nothing
    wipe(text.data(), text.size());
    text.clear();
}

}  // namespace

void wipe(void* data, std::size_t size) noexcept
{
    // a call through a volatile pointer cannot be removed as a dead store
    static void* (*const volatile set)(void*, int, std::size_t) = std::memset;
    if (size != 0)
    {
        set(data, 0, size);
    }
}

secret::secret(secret&& other) noexcept : text_(std::move(other.text_))
{
    wipe_text(other.text_);  // a short string is copied by its move
}

secret& secret::operator=(secret&& other) noexcept
{
    if (this != &other)
    {
        wipe_text(text_);
        text_ = std::move(other.text_);
        wipe_text(other.text_);
    }
    return *this;
}

secret::~secret() { wipe_text(text_); }

secret secret::join(std::span<const std::string_view> pieces, std::size_t room)
{
    std::size_t size = 0;
    for (const auto piece : pieces)
        size += piece.size();
    auto result = with_capacity(size + room);
    result.text_.resize(size);
    auto to = result.text_.begin();
    for (const auto piece : pieces)
        to = std::copy(piece.begin(), piece.end(), to);
    return result;
}

secret secret::with_capacity(std::size_t capacity)
{
    secret result;
    result.text_.reserve(capacity);
    return result;
}

void secret::append(std::string_view text)
{
    BOOST_ASSERT(text_.size() + text.size() <= text_.capacity());
    text_.append(text);
}

}  // namespace regolo::core
