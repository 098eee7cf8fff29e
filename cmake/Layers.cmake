# trawl_layer(name [SOURCES ...] [BELOW layer...] [USES library...])
#
# One folder of daemon/ is one static library. It links only the layers that it
# names under BELOW, so a test of a layer does not link when that layer calls
# upward. tests/layers checks the includes as well.
find_package(PkgConfig REQUIRED)

function(trawl_layer name)
        cmake_parse_arguments(LAYER "" "" "SOURCES;BELOW;USES" ${ARGN})
        add_library(${name} STATIC ${LAYER_SOURCES})
        target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR}/daemon)
        target_link_libraries(${name} PUBLIC ${LAYER_BELOW} PRIVATE ${LAYER_USES})
endfunction()
