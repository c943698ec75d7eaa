#pragma once

#include <cstdint>
#include <string_view>

namespace regolo::soak {

/// What a server does wrong with a request.
enum class fault : std::uint8_t
{
    none,
    // The connection ends, before the answer or within it.
    fin_first,
    rst_first,
    fin_within,
    rst_within,
    cut_tls_within,
    // Silence.
    stall_first,
    stall_within,
    // The API refuses.
    status_429,
    status_500,
    status_503,
    error_frame,  // as the first event of a stream; otherwise as status_503
    // What no server should send.
    garbage,
    garbage_body,  // but of files, where nothing is
    garbage_below_tls,
    // Those that a client has to bear without an error.
    late,
    shredded,     // in pieces of a few bytes
    close_after,  // announces keep-alive
};

/// How often each of them comes, in 10000 requests.
struct fault_weight
{
    fault what;
    unsigned weight;
    std::string_view name;
};

inline constexpr fault_weight fault_weights[] = {
    {fault::fin_first, 60, "FIN instead of an answer"},
    {fault::rst_first, 60, "RST instead of an answer"},
    {fault::fin_within, 50, "FIN within the answer"},
    {fault::rst_within, 50, "RST within the answer"},
    {fault::cut_tls_within, 50, "TLS cut within the answer"},
    {fault::stall_first, 10, "silence instead of an answer"},
    {fault::stall_within, 10, "silence within the answer"},
    {fault::status_429, 20, "429 with retry-after"},
    {fault::status_500, 80, "500"},
    {fault::status_503, 30, "503 with retry-after"},
    {fault::error_frame, 40, "error as the first event"},
    {fault::garbage, 30, "garbage instead of HTTP"},
    {fault::garbage_body, 30, "garbage as the body"},
    {fault::garbage_below_tls, 20, "garbage below TLS"},
    {fault::late, 100, "late answer"},
    {fault::shredded, 100, "answer in tiny pieces"},
    {fault::close_after, 150, "closed after the answer"},
};

/// The fault for a well-mixed number.
[[nodiscard]] constexpr fault draw_fault(std::uint64_t chance) noexcept
{
    chance %= 10000;
    for (const auto& each : fault_weights)
    {
        if (chance < each.weight)
            return each.what;
        chance -= each.weight;
    }
    return fault::none;
}

/// A set of faults in a number.
[[nodiscard]] constexpr std::uint32_t bit(fault what) noexcept
{
    return std::uint32_t{1} << static_cast<unsigned>(what);
}

}  // namespace regolo::soak
