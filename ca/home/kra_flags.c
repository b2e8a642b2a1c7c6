#include "kra_flags.h"

const struct flag_name kra_flag_names[] = {{"KRAF_ENABLEFOREIGN", KRAF_ENABLEFOREIGN, false},
    {"KRAF_SAVEBADREQUESTKEY", 0x2, true}, {"KRAF_ENABLEARCHIVEALL", 0x4, true},
    {"KRAF_DISABLEUSEDEFAULTPROVIDER", 0x8, true}, {NULL, 0, false}};
