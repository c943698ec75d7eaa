#include <regolo/account.hpp>

namespace regolo::inline v0 {

date_range::date_range(std::string_view first, std::string_view last)
    : start_date(first), end_date(last)
{}

}  // namespace regolo::inline v0
