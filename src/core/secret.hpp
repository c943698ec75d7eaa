#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace regolo::core {

/// Overwrites memory in a way that the optimiser keeps.
void wipe(void* data, std::size_t size) noexcept;

/** Text that is wiped before its memory is freed. It never grows in place, so that no old copy stays
    behind, and it has no output operator. */
class secret
{
public:
    secret() = default;
    explicit secret(std::string_view text) : text_(text) {}
    secret(secret&& other) noexcept;
    secret& operator=(secret&& other) noexcept;
    secret(const secret&) = delete;
    secret& operator=(const secret&) = delete;
    ~secret();

    /// The pieces one after the other, and room for so many bytes more.
    static secret join(std::span<const std::string_view> pieces, std::size_t room);

    /// An empty secret that can take `capacity` bytes through `append`.
    static secret with_capacity(std::size_t capacity);
    /// @par Preconditions  view().size() + text.size() <= capacity given
    void append(std::string_view text);

    [[nodiscard]] std::string_view view() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

private:
    std::string text_;
};

}  // namespace regolo::core
