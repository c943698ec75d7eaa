# Installs the build into a folder of its own, then configures, builds and runs the consumer.
#
#   cmake -D BUILD=... -D SOURCE=... -D WORK=... -D USES=core|regolo|sources -D OPTIONS=... -P run.cmake

cmake_minimum_required(VERSION 3.24)

function(run)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE status)
    if(NOT status EQUAL 0)
        message(FATAL_ERROR "failed: ${ARGN}")
    endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
set(options ${OPTIONS} -DCONSUMER_USES=${USES})
if(USES STREQUAL "sources")
    list(APPEND options -DREGOLO_SOURCE=${SOURCE})
else()
    run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/stage)
    list(APPEND options -DCMAKE_PREFIX_PATH=${WORK}/stage)
endif()
if(USES STREQUAL "core")
    # As on a machine that has none.
    list(APPEND options -DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON)
endif()

run(${CMAKE_COMMAND} -S ${SOURCE}/test/install -B ${WORK}/build ${options})
if(NOT USES STREQUAL "sources")
    run(${CMAKE_COMMAND} --build ${WORK}/build)
    run(${WORK}/build/consumer)
endif()
