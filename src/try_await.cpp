#include <regolo/try_await.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

namespace regolo::inline v0::detail {

error_info to_error_info(std::exception_ptr failure)
{
    try
    {
        std::rethrow_exception(std::move(failure));
    }
    catch (const error& known)
    {
        return known.info();
    }
    catch (const boost::system::system_error& raw)
    {
        error_info info;
        info.code = raw.code();
        info.message = raw.code() == boost::asio::error::operation_aborted ? "cancelled"
                                                                           : raw.code().message();
        return info;
    }
}

}  // namespace regolo::inline v0::detail
